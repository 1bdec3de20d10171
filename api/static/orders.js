// Orders to the door from a page that stays as it is: what came of one is said on it.
const told = document.getElementById("told");
// The door refuses what was ordered longer ago, and the gate says so.
const DONE_WITHIN_MS = 3000;
const SAID_FOR_MS = 10_000;
// Pressed twice, it is one order, also where the button was made anew meanwhile.
const waiting = new Set();
const shown = document.getElementById("live");
let unsaid;
// What was said speaks of these states of the door, and is over with them.
let speaksOf = [];
let begun = false;

function say(said, good, modes = []) {
  // What the page came with is over: it was an answer to an order before this one.
  forgetAnswers();
  told.textContent = said;
  told.className = good ? "notice" : "problem";
  speaksOf = modes;
  begun = false;
  clearTimeout(unsaid);
  unsaid = setTimeout(unsay, SAID_FOR_MS);
  followDoor();
}

// A page that was led on to from an order came with what came of that.
function forgetAnswers() {
  for (const one of document.querySelectorAll("main > .notice[role=status], main > .problem[role=alert]:not(#stale)")) {
    if (one !== told) one.remove();
  }
}
setTimeout(forgetAnswers, SAID_FOR_MS);

function unsay() {
  clearTimeout(unsaid);
  // Whoever has a keyboard goes on where the orders are.
  if (document.activeElement === told) shown.querySelector(".orders :is(summary, button)")?.focus({ preventScroll: true });
  told.textContent = told.className = "";
  speaksOf = [];
}

function followDoor() {
  const is = speaksOf.includes(shown.querySelector("#door-now [data-mode]")?.dataset.mode);
  if (begun && !is) unsay();
  begun ||= is;
}
new MutationObserver(followDoor).observe(shown, { childList: true, subtree: true });

async function order(form) {
  say(told.dataset.wait, true);
  undone = true;
  // A network may deliver it when nobody waits for it any more: by this the door knows.
  const body = new URLSearchParams(new FormData(form));
  if (gateNow()) body.set("given", gateNow());
  try {
    const answer = await fetch(form.action, {
      method: "POST",
      body,
      headers: { Accept: "application/json" },
      signal: AbortSignal.timeout(DONE_WITHIN_MS),
    });
    if (answer.redirected) return signIn();
    // Where we were wrong about it, the next press is right.
    learnClock(answer.headers.get("Gate-Now"), DONE_WITHIN_MS / 1000);
    if (!answer.ok) return say(told.dataset.refused, false);
    const { said, good, modes } = await answer.json();
    say(said, good, modes);
  } catch {
    say(form.dataset.silent, false);
  }
  undone = false;
}

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form[data-order]");
  if (!form) return;
  event.preventDefault();
  if (waiting.has(form.action)) return;
  waiting.add(form.action);
  await order(form);
  waiting.delete(form.action);
  const had = form.closest("details") ?? form;
  // Its button goes with what it asked: whoever has a keyboard goes on at the answer.
  if (had.contains(document.activeElement) && form.id !== "order-open") told.focus({ preventScroll: true });
  form.closest("details")?.removeAttribute("open");
});

// A question that is opened is seen whole, above what stands over the page's lower edge; Escape folds it.
const asked = (target) => target.closest?.(".orders details[open]");
document.addEventListener("toggle", ({ target }) => asked(target)?.scrollIntoView({ block: "nearest" }), true);
document.addEventListener("keydown", ({ key, target }) => {
  const question = key === "Escape" && asked(target);
  if (!question) return;
  question.open = false;
  question.querySelector("summary").focus();
});
const bar = document.querySelector(".bar");
if (bar) {
  new ResizeObserver(() => {
    document.documentElement.style.setProperty("--bar", `${bar.offsetHeight}px`);
  }).observe(bar);
}
