// A photo from this phone's camera, judged by the gate before it is sent with the form.
import { say, sendBy } from "/static/own_form.js";
import { patience } from "/static/patience.js";

const box = document.getElementById("camera");
const form = document.getElementById("own");
const file = form.querySelector("input[type=file]");
const words = JSON.parse(box.dataset.words);
const [start, video, taken, take, send] = ["start", "viewfinder", "taken", "take", "send"].map((id) => document.getElementById(id));

// What a form has around its photo, at most, and the status that says that the photo itself was refused.
const FORM_BYTES = 4096;
const POOR = 422;

// Browsers lend the camera to pages that came over TLS alone.
box.hidden = !navigator.mediaDevices;

start.addEventListener("click", async () => {
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { width: 1280, height: 720, facingMode: "user" } });
    await video.play();
  } catch {
    say(words.none, "bad");
    return;
  }
  start.hidden = true;
  video.hidden = take.hidden = false;
  say(words.look);
});

take.addEventListener("click", async () => {
  take.disabled = true;
  say(words.wait);
  try {
    const picture = document.createElement("canvas");
    picture.width = video.videoWidth;
    picture.height = video.videoHeight;
    picture.getContext("2d").drawImage(video, 0, 0);
    const blob = await new Promise((done) => picture.toBlob(done, "image/jpeg", 0.92));
    await judge(blob);
  } catch {
    say(words.failed, "bad");
  } finally {
    take.disabled = false;
  }
});

async function judge(blob) {
  const body = new FormData();
  body.append("photo", blob, "camera.jpg");
  const answer = await fetch(box.dataset.checks, { method: "POST", body, signal: patience(body) });
  const said = await answer.json();
  taken.src = URL.createObjectURL(blob);
  taken.hidden = false;
  if (!said.fit) {
    say(said.advice ?? words.failed, "bad");
    return;
  }
  const all = new DataTransfer();
  all.items.add(new File([blob], "own phone.jpg", { type: "image/jpeg" }));
  file.files = all.files;
  say(words.good, "good");
  send.focus();
}

sendBy(deliver, form, send, words);

// The answer as a page would show it, without leaving this one: what was chosen is lost with no network.
async function deliver() {
  const chosen = [...file.files].reduce((sum, one) => sum + one.size, 0);
  if (chosen > form.dataset.most - FORM_BYTES) {
    say(words.large, "bad");
    return;
  }
  const body = new FormData(form);
  const answer = await fetch(form.action, { method: "POST", body, signal: patience(body) });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const main = page.getElementById("main");
  if (!main) throw new Error("That is no page of ours.");
  if (page.getElementById("own")) {
    document.querySelectorAll("#main > .problem, #main > .warning").forEach((one) => one.remove());
    form.before(...main.querySelectorAll(":scope > .problem, :scope > .warning"));
    // A photo that will not do is not sent twice; what only did not get through is.
    if (answer.status === POOR) file.value = "";
    taken.hidden ||= answer.status === POOR;
    say("");
    form.previousElementSibling.scrollIntoView({ block: "center" });
    return;
  }
  video.srcObject?.getTracks().forEach((one) => one.stop());
  document.getElementById("main").replaceWith(main);
  main.tabIndex = -1;
  main.focus();
}
