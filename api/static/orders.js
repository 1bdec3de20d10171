// Orders to the door from a page that stays as it is: what came of one is said on it.
const told = document.getElementById("told");
// The door refuses what was ordered longer ago, and the gate says so.
const DONE_WITHIN_MS = 3000;
const SAID_FOR_MS = 10_000;
// That the gate does not answer is over when it does, once that could be read.
const READ_WITHIN_MS = 4000;
// Pressed twice, it is one order, also where the button was made anew meanwhile.
const waiting = new Set();
const shown = document.getElementById("live");
let unsaid;
// What was said is true in these states of the door, and over with them; it was said while the door was shown in one.
let trueIn = [];
let saidIn;
let begun = false;
// It was said that the gate does not answer.
let silent = false;

const doorIs = () => shown.querySelector("#door-now [data-mode]")?.dataset.mode;

function say(said, good, modes = [], unanswered = false) {
  // What the page came with is over: it was an answer to an order before this one.
  forgetAnswers();
  told.textContent = said;
  told.className = good ? "notice" : "problem";
  trueIn = modes;
  saidIn = doorIs();
  begun = false;
  silent = unanswered;
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
  trueIn = [];
  silent = false;
}

function followDoor() {
  if (silent && doorIs() && stale.hidden) {
    silent = false;
    clearTimeout(unsaid);
    unsaid = setTimeout(unsay, READ_WITHIN_MS);
  }
  if (trueIn.length === 0) return;
  const is = trueIn.includes(doorIs());
  if (!is && (begun || doorIs() !== saidIn)) unsay();
  begun ||= is;
}
// Also when the door does as before, but the page was not shown what it does.
for (const one of [shown, stale]) {
  new MutationObserver(followDoor).observe(one, { attributes: one === stale, childList: true, subtree: true });
}

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
    say(said, good, modes, said === form.dataset.silent);
  } catch {
    say(form.dataset.silent, false, [], true);
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
