// Somebody rings at the gate: it is heard, and what the camera sees is shown, for as long as the page says so.
const shown = document.getElementById("live");
const picture = document.getElementById("bell-view");
const AGAIN_MS = 500;
const FAILED_MS = 1500;
const GIVEN_UP_MS = 5000;
// Ding, dong, as [hertz, begins at second].
const CHIME = [[660, 0], [523, 0.5], [660, 1.6], [523, 2.1], [660, 3.2], [523, 3.7]];
const titled = document.title;
let call = null;
let due;
let heardBy = null;

// A browser lets a page sound once somebody has touched it.
function touch() {
  heardBy ??= window.AudioContext ? new AudioContext() : null;
  heardBy?.resume();
}
for (const name of ["pointerdown", "keydown"]) addEventListener(name, touch, { once: true });

function chime() {
  if (heardBy?.state !== "running") return;
  for (const [hertz, begins] of CHIME) {
    const tone = heardBy.createOscillator();
    const gain = heardBy.createGain();
    const at = heardBy.currentTime + begins;
    tone.frequency.value = hertz;
    gain.gain.setValueAtTime(0.3, at);
    gain.gain.exponentialRampToValueAtTime(0.001, at + 0.9);
    tone.connect(gain).connect(heardBy.destination);
    tone.start(at);
    tone.stop(at + 0.9);
  }
}

function follow() {
  const now = shown.querySelector("#bell");
  if ((now?.dataset.call ?? null) === call) return;
  call = now?.dataset.call ?? null;
  document.title = now ? `(!) ${now.querySelector("h2").textContent}` : titled;
  if (now) chime();
  if (picture) now ? see(true) : unsee();
  // The duty desk has its own view: it is opened as by hand.
  else if (now) document.querySelector("#look:not([hidden])")?.click();
}

function see(first) {
  clearTimeout(due);
  due = setTimeout(see, GIVEN_UP_MS);
  picture.src = `/camera.jpg?first=${first ? 1 : 0}&at=${Date.now()}`;
}

function unsee() {
  clearTimeout(due);
  picture.hidden = true;
  picture.removeAttribute("src");
}

picture?.addEventListener("load", () => {
  if (!call) return;
  picture.hidden = false;
  clearTimeout(due);
  due = setTimeout(see, AGAIN_MS);
});
picture?.addEventListener("error", () => {
  picture.hidden = true;
  if (!call) return;
  clearTimeout(due);
  due = setTimeout(see, FAILED_MS);
});
new MutationObserver(follow).observe(shown, { childList: true, subtree: true });
follow();
