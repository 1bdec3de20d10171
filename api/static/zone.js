// The approach zone, drawn on the picture with mouse, pen or finger. The form below it holds its edges, and sends them.
const picture = document.getElementById("view");
const drawing = document.getElementById("zone");
const rectangle = drawing.querySelector("rect");
const edges = document.querySelector("form.edges").elements;
let corner = null;

const percent = (value) => Math.round(Math.min(100, Math.max(0, value)) * 10) / 10;

function at(event) {
  const frame = drawing.getBoundingClientRect();
  return [
    percent(((event.clientX - frame.left) / frame.width) * 100),
    percent(((event.clientY - frame.top) / frame.height) * 100),
  ];
}

function show() {
  const [left, top, right, bottom] = ["left", "top", "right", "bottom"].map((name) => Number(edges[name].value));
  rectangle.setAttribute("x", left);
  rectangle.setAttribute("y", top);
  rectangle.setAttribute("width", Math.max(0, right - left));
  rectangle.setAttribute("height", Math.max(0, bottom - top));
}

function stretch(event) {
  if (!corner) return;
  const [x, y] = at(event);
  edges.left.value = Math.min(corner[0], x);
  edges.top.value = Math.min(corner[1], y);
  edges.right.value = Math.max(corner[0], x);
  edges.bottom.value = Math.max(corner[1], y);
  show();
}

picture.addEventListener("load", () => drawing.removeAttribute("hidden"));
drawing.addEventListener("pointerdown", (event) => {
  corner = at(event);
  drawing.setPointerCapture(event.pointerId);
  event.preventDefault();
});
drawing.addEventListener("pointermove", stretch);
drawing.addEventListener("pointerup", (event) => {
  stretch(event);
  corner = null;
});
for (const name of ["left", "top", "right", "bottom"]) edges[name].addEventListener("input", show);
