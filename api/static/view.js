// A look through the gate's camera: only while it is asked for, and while the page is in sight.
const look = document.getElementById("look");
const view = document.getElementById("view");
const LONGEST_MS = 120_000;
let until = 0;
let first = true;

look.hidden = false;
look.addEventListener("click", () => {
  until = Date.now() + LONGEST_MS;
  first = true;
  look.hidden = true;
  view.hidden = false;
  next();
});

function next() {
  if (Date.now() > until || document.hidden) {
    look.hidden = false;
    view.hidden = true;
    return;
  }
  view.src = `/camera.jpg?first=${first ? 1 : 0}&at=${Date.now()}`;
  first = false;
}

view.addEventListener("load", () => setTimeout(next, 150));
view.addEventListener("error", () => setTimeout(next, 1000));
