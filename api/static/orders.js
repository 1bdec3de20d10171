// Orders to the door from a page that stays as it is: what came of one is said on it.
const told = document.getElementById("told");
const DONE_WITHIN_MS = 8000;
const SAID_FOR_MS = 10_000;
// Pressed twice, it is one order, also where the button was made anew meanwhile.
const waiting = new Set();
let unsaid;

function say(said, good) {
  // What the page came with is over: it was an answer to an order before this one.
  for (const one of document.querySelectorAll("main > [role=status], main > [role=alert]")) if (one !== told) one.remove();
  told.textContent = said;
  told.className = good ? "notice" : "problem";
  clearTimeout(unsaid);
  unsaid = setTimeout(() => {
    told.textContent = told.className = "";
  }, SAID_FOR_MS);
}

async function order(form) {
  try {
    const answer = await fetch(form.action, {
      method: "POST",
      body: new URLSearchParams(new FormData(form)),
      headers: { Accept: "application/json" },
      signal: AbortSignal.timeout(DONE_WITHIN_MS),
    });
    if (answer.redirected) return location.assign("/sign-in");
    if (!answer.ok) return say(told.dataset.refused, false);
    const { said, good } = await answer.json();
    say(said, good);
  } catch {
    say(told.dataset.silent, false);
  }
}

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form[data-order]");
  if (!form) return;
  event.preventDefault();
  if (waiting.has(form.action)) return;
  waiting.add(form.action);
  await order(form);
  waiting.delete(form.action);
  form.closest("details")?.removeAttribute("open");
});
