// A look through the gate's camera: only while it is asked for, and while the page is in sight.
const look = document.getElementById("look");
const view = document.getElementById("view");
const blind = document.getElementById("blind");
const LONGEST_MS = 120_000;
let until = 0;
let first = true;

look.hidden = false;
look.addEventListener("click", (event) => {
  event.preventDefault();
  first = true;
  begin();
});
// The page has a picture already where somebody came to it to look, and that look is on record.
if (view.getAttribute("src")) {
  first = false;
  begin();
}

function begin() {
  until = Date.now() + LONGEST_MS;
  look.hidden = true;
  next();
}

function next() {
  if (Date.now() > until || document.hidden) {
    until = 0;
    look.textContent = look.dataset.again;
    look.hidden = false;
    view.hidden = true;
    blind.textContent = "";
    return;
  }
  view.src = `/camera.jpg?first=${first ? 1 : 0}&at=${Date.now()}`;
  first = false;
}

view.addEventListener("load", () => {
  if (!until) return;
  view.hidden = false;
  blind.textContent = "";
  setTimeout(next, 150);
});
view.addEventListener("error", () => {
  if (!until) return;
  view.hidden = true;
  blind.textContent = blind.dataset.words;
  setTimeout(next, 1000);
});
