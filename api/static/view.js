// A look through the gate's camera: only while it is asked for, and while the page is in sight.
const look = document.getElementById("look");
const view = document.getElementById("view");
const blind = document.getElementById("blind");
const LONGEST_MS = 120_000;
// A picture is from before when no newer one came for so long; what does not come at all is asked for anew.
const OLD_MS = 1500;
const GIVEN_UP_MS = 5000;
let until = 0;
let first = true;
let ageing;
let coming;

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
  age();
  next();
}

function next() {
  clearTimeout(coming);
  if (Date.now() > until || document.hidden) return end();
  view.src = `/camera.jpg?first=${first ? 1 : 0}&at=${Date.now()}`;
  first = false;
  coming = setTimeout(next, GIVEN_UP_MS);
}

function end() {
  clearTimeout(ageing);
  until = 0;
  look.textContent = look.dataset.again;
  look.hidden = false;
  view.hidden = true;
  blind.textContent = "";
}

// A network that falls silent gives no error: the picture that stands there would go on as one of now.
function age() {
  clearTimeout(ageing);
  view.classList.remove("old");
  ageing = setTimeout(() => {
    view.classList.add("old");
    blind.textContent = view.hidden ? blind.dataset.words : blind.dataset.old;
  }, OLD_MS);
}

view.addEventListener("load", () => {
  if (!until) return;
  view.hidden = false;
  blind.textContent = "";
  age();
  clearTimeout(coming);
  coming = setTimeout(next, 150);
});
view.addEventListener("error", async () => {
  if (!until) return;
  view.hidden = true;
  blind.textContent = blind.dataset.words;
  clearTimeout(coming);
  coming = setTimeout(next, 1000);
  const asked = await fetch("/api/v1/me").catch(() => null);
  if (until && asked?.status === 401) tellEnded();
});

// No picture comes to somebody whose login has ended, however long they wait.
function tellEnded() {
  clearTimeout(coming);
  end();
  const href = `/sign-in?${new URLSearchParams({ back: location.pathname })}`;
  blind.append(blind.dataset.ended, " ", Object.assign(document.createElement("a"), { href, textContent: blind.dataset.signIn }));
}
