// The screen at the gate: asks what to say whenever something changed, and says so itself when nobody answers.
const body = document.body;
const parts = Object.fromEntries(
  ["drawing", "symbol", "left", "seconds", "typed", "seen", "said", "words", "advice", "second", "second-words", "second-advice"]
    .map((name) => [name, document.getElementById(name)]),
);
const frame = parts.drawing.querySelector(".frame");
const GONE = JSON.parse(body.dataset.gone);
// Whoever stands there is told within two seconds that nobody answers.
const ASK_EVERY_MS = 700;
const PATIENCE_MS = 1300;
const FOLLOW_AGAIN_MS = 2000;

// There where the screen is one to touch: the one thing on it that a finger does anything to.
const ring = document.getElementById("ring");

let asked = 0;
let answered = 0;

async function ask() {
  const mine = ++asked;
  let now = GONE;
  try {
    // With its cache, a browser lets a question wait for the one before it, until nobody has patience left.
    const answer = await fetch("/gate/now", { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
    if (answer.redirected) return location.reload();
    if (answer.ok) now = await answer.json();
  } catch {
    // Nobody answers, or not in words of ours: it says what it knows by itself.
  }
  // One that was asked later may be told earlier.
  if (mine < answered) return;
  answered = mine;
  if (now.version && now.version !== body.dataset.version) return location.reload();
  show(now);
}

function show(now) {
  if (now.look !== body.dataset.look || now.symbol !== body.dataset.symbol) play(now.look, now.symbol);
  body.dataset.signal = now.signal;
  body.dataset.look = now.look;
  body.dataset.symbol = now.symbol;
  frame.setAttribute("href", `#frame-${now.look}`);
  parts.symbol.setAttribute("href", `#${now.symbol}`);
  count(now.left_s);
  dots(now.typed ?? 0);
  if (ring) ring.hidden = !now.bell;
  const texts = { words: now.words, advice: now.advice };
  texts["second-words"] = now.second?.words ?? "";
  texts["second-advice"] = now.second?.advice ?? "";
  const before = Object.keys(texts).map((name) => parts[name].textContent).join("\n");
  if (before === Object.values(texts).join("\n")) return;
  for (const [name, text] of Object.entries(texts)) say(parts[name], text);
  parts.second.hidden = !now.second;
  fit();
}

// Chinese has no blanks: a line of it ends between two words, and not within one. A single character belongs to what
// stands before it: browsers know 摄像, and not 摄像头.
const segmenter = Intl.Segmenter && new Intl.Segmenter([], { granularity: "word" });
parts.said.classList.toggle("in-words", Boolean(segmenter));
function say(part, text) {
  const words = segmenter ? [...segmenter.segment(text)] : [{ segment: text }];
  const pieces = words.flatMap(({ segment, isWordLike }, i) =>
    isWordLike && segment.length > 1 && words[i - 1]?.isWordLike ? [document.createElement("wbr"), segment] : [segment],
  );
  part.replaceChildren(...pieces);
}

// What is left of some seconds, as a number and as a ring that empties: the gate is asked less often than it moves.
let most = 0;
let ends = 0;
function count(seconds) {
  if (seconds == null) most = 0;
  else {
    most = Math.max(most, seconds);
    ends = performance.now() + seconds * 1000;
  }
  tick();
}

function tick() {
  const left = most ? Math.max(0, (ends - performance.now()) / 1000) : 0;
  parts.left.style.strokeDasharray = `${most ? (left / most) * 100 : 0} 100`;
  parts.seconds.textContent = left > 0 ? Math.ceil(left) : "";
  if (left > 0) requestAnimationFrame(tick);
}

// A dot for each digit that somebody typed.
function dots(typed) {
  parts.typed.setAttribute("d", typed ? `M${106 - 6 * typed} 160h${12 * typed - 11.9}` : "");
}

// Letters of ten millimetres on displays for gates (about 0.18 mm a pixel), for whoever stands two metres away.
const READABLE = 78;
const LEAST = 20;

function fits(first, second) {
  parts.said.style.setProperty("--first", `${first}px`);
  parts.said.style.setProperty("--second", `${second}px`);
  return parts.said.scrollHeight <= parts.said.clientHeight && parts.said.scrollWidth <= parts.said.clientWidth;
}

// The largest whole number for which `fit` is true, if `low` is.
function largest(low, high, fit) {
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (fit(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}

// Both languages alike where there is room; else the first as large as can be read, and the second what is left.
function fit() {
  const most = Math.max(READABLE, Math.min(innerWidth, innerHeight) / 9);
  parts.said.classList.remove("breaks");
  let first = largest(LEAST, most, (size) => fits(size, parts.second.hidden ? 0 : size));
  let second = first;
  if (first < READABLE && !parts.second.hidden) {
    first = largest(first, READABLE, (size) => fits(size, size / 2));
    second = largest(first / 2, first, (size) => fits(first, size));
  }
  if (first < READABLE / 2) {
    // A name without a blank.
    parts.said.classList.add("breaks");
    first = second = largest(LEAST, READABLE, (size) => fits(size, size / 2));
    second /= 2;
  }
  fits(first, second);
}

function follow() {
  const changes = new EventSource("/gate/live");
  changes.addEventListener("change", ask);
  changes.addEventListener("error", () => {
    ask();
    // A browser gives up for good once it is answered with an error.
    if (changes.readyState === EventSource.CLOSED) setTimeout(follow, FOLLOW_AGAIN_MS);
  });
}

// Whoever stands there sees where they are, as in a mirror: an outline and never the picture.
const FULL = 200;
const EDGE = 8;

async function mirror() {
  let face = null;
  try {
    const answer = await fetch("/gate/silhouette", { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (answer.ok) face = (await answer.json()).face;
  } catch {
    // The words say that nobody answers.
  }
  draw(face);
  setTimeout(mirror, face ? 150 : 500);
}

// Whole, however near to the edge of the picture the face is.
function draw(face) {
  const [right, y, width, height] = face ?? [0, 0.5, 0, 0];
  const within = (middle, radius) => Math.min(Math.max(middle, EDGE + radius), FULL - EDGE - radius);
  const room = FULL / 2 - EDGE;
  const [rx, ry] = [Math.min((width * FULL) / 2, room), Math.min((height * FULL) / 2, room)];
  const places = { cx: within((0.5 - right) * FULL, rx), cy: within(y * FULL, ry), rx, ry };
  for (const [name, place] of Object.entries(places)) parts.seen.setAttribute(name, place);
  body.classList.toggle("somebody", Boolean(face));
}

ring?.addEventListener("click", async () => {
  ring.hidden = true;
  try {
    await fetch("/gate/bell", { method: "POST", signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch {
    // The words say that nobody answers.
  }
  ask();
});
// A finger that stays opens a browser's menu, which has more than this page.
addEventListener("contextmenu", (event) => event.preventDefault());

// Where the browser can keep it, the page is there even when it is opened before anybody answers.
navigator.serviceWorker?.register(`/gate/worker.js?${body.dataset.version}`, { scope: "/gate" }).catch(() => {});
addEventListener("resize", fit);
document.fonts.ready.then(fit);
for (const name of ["words", "advice", "second-words", "second-advice"]) say(parts[name], parts[name].textContent);
fit();
follow();
// An answer is shown for a few seconds and then is over, with nothing new to tell it.
setInterval(ask, ASK_EVERY_MS);
mirror();
