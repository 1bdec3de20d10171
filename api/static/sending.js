// A form with files is sent without leaving its page: an answer that it was not taken, and a login that ended, lose nothing
// that was chosen. It is kept nowhere else, and goes with the page.
import { patience } from "/static/patience.js";

const form = document.querySelector("form[data-sends]");
const words = JSON.parse(form.dataset.sends);
const userOf = (page) => page.querySelector("script[data-user]")?.dataset.user;
const buttons = [...form.elements].filter((one) => one.type === "submit");

form.addEventListener("submit", async (event) => {
  if (![...form.elements].some((one) => (one.type === "file" && one.files.length) || one.name === "gate_photo")) return;
  event.preventDefault();
  const body = new FormData(form, event.submitter);
  for (const one of buttons) one.disabled = true;
  tell(words.sending, "notice", "status");
  try {
    await deliver(body);
  } catch (error) {
    await unsent(error);
  } finally {
    for (const one of buttons) one.disabled = false;
  }
});

async function deliver(body) {
  const headers = { "Form-Of": userOf(document) };
  const answer = await fetch(form.action, { method: "POST", body, headers, signal: patience(body) });
  if (answer.status === 204) return location.assign(answer.headers.get("Location"));
  if (answer.redirected) return ended();
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  // Somebody else signed in meanwhile: nothing of what was chosen here is for their eyes.
  if (userOf(page) !== userOf(document)) return location.reload();
  refuse(page.querySelector("#main .problem[role=alert]").textContent);
}

// Of a large body the answer may not come through, since it is not read. Of a gate that never answers nothing more is
// asked.
async function unsent(error) {
  const answer = error.name === "TimeoutError" ? null : await fetch("/enrol", { signal: patience() }).catch(() => null);
  if (answer?.redirected) ended();
  else refuse(words.unsent);
}

// Also where a photo was to be looked at.
form.addEventListener("ended", ended);
function ended() {
  const link = Object.assign(document.createElement("a"), { href: "/sign-in", target: "_blank", rel: "noopener", textContent: words.sign_in });
  refuse(`${words.ended} `).append(link);
}

function refuse(sentence) {
  // What was not taken is a draft as before.
  sessionStorage.removeItem("sent");
  return tell(sentence, "problem", "alert");
}

function tell(sentence, look, role) {
  document.querySelectorAll("#main > .problem, #main > .warning, #main > .notice[role=status]").forEach((one) => one.remove());
  const line = Object.assign(document.createElement("p"), { className: look, textContent: sentence });
  line.setAttribute("role", role);
  document.getElementById("main").prepend(line);
  line.scrollIntoView({ block: "center" });
  return line;
}
