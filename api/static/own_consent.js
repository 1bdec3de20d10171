// "I agree" is sent without leaving the page: a browser without a network shows a page of its own, and what was typed is
// gone.
const form = document.getElementById("agree");
const button = form.querySelector("button");
const guide = document.getElementById("guide");
const ANSWERED_WITHIN_MS = 20_000;

function say(sentence, kind = "") {
  guide.textContent = sentence;
  guide.className = kind;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  button.disabled = true;
  say(guide.dataset.wait);
  try {
    await agree();
  } catch {
    say(guide.dataset.failed, "bad");
  } finally {
    button.disabled = false;
  }
});

async function agree() {
  const answer = await fetch(form.action, {
    method: "POST",
    body: new URLSearchParams(new FormData(form)),
    signal: AbortSignal.timeout(ANSWERED_WITHIN_MS),
  });
  const main = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("main");
  if (!main) throw new Error("That is no page of ours.");
  if (answer.ok) return location.replace(answer.url);
  say("");
  document.querySelectorAll("#main > .problem").forEach((one) => one.remove());
  if (main.querySelector("#agree")) return form.before(...main.querySelectorAll(":scope > .problem"));
  document.getElementById("main").replaceWith(main);
}
