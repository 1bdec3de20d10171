// Photos from files, from this device's camera or from the gate's: each is judged by the gate and shown with the face
// that would be taken, before it is sent with the form.
import { patience } from "/static/patience.js";

const box = document.getElementById("camera");
const form = document.getElementById("enrol");
const files = form.querySelector("input[type=file]");
const words = JSON.parse(box.dataset.words);
const [gate, place, start, cancel, video, seen, since, guide, take, list] = [
  "gate", "place", "start", "cancel", "viewfinder", "seen", "since", "guide", "take", "taken",
].map((id) => document.getElementById(id));
const AGAIN_MS = 1000;
const FAR_MS = 150;
// So old is a picture that no newer one follows.
const OLD_S = 3;
let photos = [];
// The camera that is at work: null, or for the gate's the key of the enrolment that this page leads, and the number of
// the last photo that came of it.
let run = null;
let sent = false;
// Where this gate has no camera there is nobody to judge photos; another gate judges what its own takes.
const judges = files !== null;

box.hidden = false;
start.hidden = !judges || !navigator.mediaDevices;

// Photos out of files.

files?.addEventListener("change", takeChosen);

function takeChosen() {
  if (!judges) return;
  choosePhotos(files.files);
  files.value = "";
}

function choosePhotos(all) {
  if (!judges) return;
  for (const file of all) judge(add(file, file.name));
}

// Drawn onto the page out of a folder or a chat, or pasted: a file that lands beside the form would else take the
// page's place, and what was typed with it.
addEventListener("dragover", (event) => {
  if (event.dataTransfer.types.includes("Files")) event.preventDefault();
});
addEventListener("drop", (event) => {
  if (!event.dataTransfer.files.length) return;
  event.preventDefault();
  choosePhotos(event.dataTransfer.files);
});
// What is copied out of a table brings a picture of itself along with its words.
addEventListener("paste", (event) => {
  if (!event.clipboardData.types.includes("text/plain")) choosePhotos(event.clipboardData.files);
});

// One at a time: the gate looks at one at a time, too.
let turn = Promise.resolve();
function judge(photo) {
  turn = turn.then(async () => {
    if (!photos.includes(photo)) return;
    const body = new FormData();
    body.append("photo", photo.blob, photo.name);
    try {
      const answer = await ask("/photos/checks", body);
      show(photo, await answer.json());
    } catch {
      show(photo, { fit: null, advice: words.unseen });
    }
  });
  return turn;
}

async function ask(address, body) {
  const answer = await fetch(address, { method: "POST", body, signal: patience(body) });
  // Their login has ended: what was taken stays on the page.
  if (answer.redirected) form.dispatchEvent(new Event("ended"));
  if (answer.redirected || !answer.ok) throw new Error(answer.statusText);
  return answer;
}

// This device's camera.

start.addEventListener("click", async () => {
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { width: 1280, height: 720, facingMode: "user" } });
  } catch (error) {
    say(words.none.replace("{why}", error.message), "bad");
    return;
  }
  await video.play();
  run = {};
  choose(true);
  video.hidden = take.hidden = false;
  guideOn();
});

let taken = 0;
function guideOn() {
  say(words.guide[photos.filter((one) => one.fit).length] ?? words.enough);
}

take.addEventListener("click", async () => {
  take.disabled = true;
  try {
    const picture = document.createElement("canvas");
    picture.width = video.videoWidth;
    picture.height = video.videoHeight;
    picture.getContext("2d").drawImage(video, 0, 0);
    const blob = await new Promise((done) => picture.toBlob(done, "image/jpeg", 0.95));
    for (const poor of photos.filter((one) => one.fit === false && one.run === run)) drop(poor);
    taken += 1;
    await judge(add(blob, `device camera ${taken}.jpg`, run));
    guideOn();
  } finally {
    take.disabled = false;
  }
});

function stop() {
  for (const track of video.srcObject?.getTracks() ?? []) track.stop();
  video.srcObject = null;
  video.hidden = take.hidden = true;
}

// A gate's camera, this one's or another's: the gate counts and takes, this page asks for each look and shows what came
// of it. What another gate took stays there: this page has the faces of it, and their numbers.

gate?.addEventListener("click", async () => {
  const at = place.value;
  choose(true);
  seen.hidden = false;
  try {
    const begun = await (await ask("/enrol/gate", of({ at }))).json();
    if (begun.problem) return over(begun.problem, "bad");
    run = { key: begun.key, at, have: 0 };
    if (at) forgetFar(run);
    await lead(run);
  } catch (error) {
    over(words.none.replace("{why}", error.message), "bad");
  }
});

// One is enrolled from the photos of one gate's camera.
function forgetFar(mine) {
  for (const photo of photos.filter((one) => one.run?.at)) drop(photo);
  form.querySelector("[name=gate]").value = mine.at;
  form.querySelector("[name=gate_key]").value = mine.key;
}

function of(mine) {
  const body = new FormData();
  body.append("gate", mine.at);
  if (mine.key) body.append("key", mine.key);
  return body;
}

// How old the picture is of a gate that is far, while there is a newer one or not.
let pictured = null;
function sayAge() {
  since.hidden = pictured === null;
  if (pictured === null) return;
  const seconds = pictured.age + (performance.now() - pictured.came) / 1000;
  since.textContent = words.since.replace("{seconds}", Math.round(seconds));
  since.className = seconds > OLD_S ? "bad" : "calm";
}
setInterval(sayAge, AGAIN_MS / 2);

async function lead(mine) {
  while (run === mine) {
    const body = of(mine);
    body.append("have", mine.have);
    body.append("resident", form.elements.resident?.value ?? "");
    let said;
    try {
      said = await (await ask("/enrol/gate/look", body)).json();
    } catch (error) {
      if (run !== mine) return;
      say(words.none.replace("{why}", error.message), "bad");
      await new Promise((later) => setTimeout(later, AGAIN_MS));
      continue;
    }
    if (run !== mine) return;
    if (said.problem) {
      // What that gate took, nobody can fetch any more.
      if (mine.at) forgetFar(mine);
      return over(said.problem, "bad");
    }
    if (said.jpeg) {
      seen.src = `data:image/jpeg;base64,${said.jpeg}`;
      if (mine.at) pictured = { age: said.age, came: performance.now() };
    }
    sayAge();
    for (const one of said.photos) {
      mine.have = one.number;
      const photo = add(one.jpeg && blobOf(one.jpeg), `gate camera ${one.number}.jpg`, mine, one.number);
      show(photo, { fit: true, portrait: one.portrait, warning: one.warning });
    }
    if (said.over) return over(said.words, said.good ? "" : "bad");
    say(said.words, said.good ? "good" : "bad");
    // A few small pictures a second are enough of one that comes over a line.
    const pause = !said.jpeg && !said.photos.length ? AGAIN_MS : mine.at ? FAR_MS : 0;
    if (pause) await new Promise((later) => setTimeout(later, pause));
  }
}

function blobOf(base64) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  return new Blob([bytes], { type: "image/jpeg" });
}

cancel.addEventListener("click", () => {
  const mine = run;
  if (mine?.key) leave(mine);
  for (const photo of photos.filter((one) => one.run === mine)) drop(photo);
  over(words.cancelled);
});

function leave(mine) {
  const body = of(mine);
  // Whoever stands at the gate is told that it is done, and not that it was cancelled.
  if (sent) body.append("sent", "1");
  navigator.sendBeacon("/enrol/gate/cancelled", body);
}

function over(sentence, look = "") {
  run = pictured = null;
  sayAge();
  seen.hidden = true;
  seen.removeAttribute("src");
  choose(false);
  say(sentence, look);
}

// Whoever leaves the page leads nobody any more.
addEventListener("pagehide", () => {
  if (run?.key) leave(run);
});

// What was taken.

function add(blob, name, taker = null, number = 0) {
  const item = document.createElement("li");
  const image = document.createElement("img");
  image.alt = "";
  image.width = image.height = 112;
  image.hidden = true;
  const line = document.createElement("span");
  line.textContent = words.looking;
  const remove = document.createElement("button");
  remove.type = "button";
  remove.className = "quiet";
  remove.textContent = words.remove;
  remove.setAttribute("aria-label", words.remove_one.replace("{name}", name));
  item.append(image, line, remove);
  if (!blob) item.append(Object.assign(document.createElement("input"), { type: "hidden", name: "gate_photo", value: number }));
  const photo = { blob, name, run: taker, item, image, line, fit: null };
  remove.addEventListener("click", () => {
    drop(photo);
    if (number && run === taker) {
      const body = of(run);
      body.append("number", number);
      ask("/enrol/gate/removal", body).catch(() => {});
    }
  });
  photos.push(photo);
  list.append(item);
  form.elements.agreed.required = true;
  return photo;
}

function show(photo, said) {
  photo.fit = said.fit;
  photo.item.className = said.fit ? "" : "refused";
  photo.line.textContent = said.warning || (said.fit ? words.good : said.advice);
  photo.line.className = said.warning ? "warn" : said.fit ? "good" : "bad";
  if (said.portrait) {
    photo.image.src = `data:image/jpeg;base64,${said.portrait}`;
    photo.image.alt = photo.name;
    photo.image.hidden = false;
  }
}

function drop(photo) {
  photos = photos.filter((one) => one !== photo);
  photo.item.remove();
  form.elements.agreed.required = photos.length > 0;
}

// Which camera, or none that is at work.
function choose(atWork) {
  if (gate) gate.hidden = atWork;
  if (place) place.disabled = atWork;
  cancel.hidden = !atWork;
  start.hidden = atWork || !judges || !navigator.mediaDevices;
  if (!atWork) stop();
}

function say(sentence, look = "") {
  guide.textContent = sentence;
  guide.className = look;
}

form.addEventListener("submit", () => {
  sent = photos.length > 0;
  if (!sent) return;
  const all = new DataTransfer();
  for (const { blob, name } of photos.filter((one) => one.blob)) all.items.add(new File([blob], name, { type: blob.type || "image/jpeg" }));
  if (judges) files.files = all.files;
  // Whoever was quicker than the gate sees the faces on the next page.
  form.elements.seen.value = photos.every((one) => one.fit !== null) ? "1" : "";
});

// On a slow machine somebody chooses before this script is there.
takeChosen();
