// Photos from this device's camera or from the gate's, each judged by the gate before it is sent with the form.
const box = document.getElementById("camera");
const form = document.getElementById("enrol");
const files = form.querySelector("input[type=file]");
const words = JSON.parse(box.dataset.words);
const [gate, start, video, seen, guide, take, list] = ["gate", "start", "viewfinder", "seen", "guide", "take", "taken"].map(
  (id) => document.getElementById(id),
);
// At the gate: how far the nose stands off the middle of the eyes, in eye distances, for each of the photos asked for.
const POSES = [(yaw) => Math.abs(yaw) < 0.2, (yaw) => yaw > 0.1, (yaw) => yaw < -0.1];
const STEADY = 2;
// Somebody who does not turn is enrolled from the photos there are.
const PATIENCE_MS = 12_000;
const LONGEST_MS = 60_000;
let photos = [];

box.hidden = false;
start.hidden = !navigator.mediaDevices;

start.addEventListener("click", async () => {
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { width: 1280, height: 720, facingMode: "user" } });
  } catch (error) {
    guide.textContent = words.none.replace("{why}", error.message);
    return;
  }
  await video.play();
  start.hidden = gate.hidden = true;
  video.hidden = take.hidden = false;
  ask();
});

take.addEventListener("click", async () => {
  take.disabled = true;
  try {
    const picture = document.createElement("canvas");
    picture.width = video.videoWidth;
    picture.height = video.videoHeight;
    picture.getContext("2d").drawImage(video, 0, 0);
    const blob = await new Promise((done) => picture.toBlob(done, "image/jpeg", 0.95));
    const body = new FormData();
    body.append("photo", blob, "camera.jpg");
    const answer = await fetch("/photos/checks", { method: "POST", body });
    const said = answer.ok ? await answer.json() : { fit: false, advice: answer.statusText };
    show(blob, said);
  } finally {
    take.disabled = false;
  }
});

gate.addEventListener("click", async () => {
  start.hidden = gate.hidden = true;
  seen.hidden = false;
  const began = Date.now();
  let [posed, best, steady, first] = [began, null, 0, 1];
  while (photos.length < POSES.length && Date.now() - began < LONGEST_MS && !document.hidden) {
    if (photos.length && Date.now() - posed > PATIENCE_MS) break;
    const answer = await fetch(`/camera/checks?first=${first}`);
    first = 0;
    if (!answer.ok) {
      guide.textContent = words.none.replace("{why}", answer.statusText);
      await new Promise((later) => setTimeout(later, 1000));
      continue;
    }
    const said = await answer.json();
    seen.src = `data:image/jpeg;base64,${said.jpeg}`;
    guide.textContent = said.fit ? words.guide[photos.length] : said.advice;
    guide.className = said.fit ? "good" : "bad";
    if (!said.fit || !POSES[photos.length](said.yaw)) {
      steady = 0;
      continue;
    }
    if (!best || said.sharpness > best.sharpness) best = said;
    steady += 1;
    if (steady > STEADY) {
      const bytes = Uint8Array.from(atob(best.jpeg), (letter) => letter.charCodeAt(0));
      show(new Blob([bytes], { type: "image/jpeg" }), best, "gate camera");
      [posed, best, steady] = [Date.now(), null, 0];
    }
  }
  seen.hidden = true;
  gate.hidden = false;
  if (photos.length) guide.textContent = words.enough;
});

function show(blob, said, source = "device camera") {
  list.querySelectorAll("li.refused").forEach((one) => one.remove());
  const item = document.createElement("li");
  const image = document.createElement("img");
  image.src = URL.createObjectURL(blob);
  image.alt = "";
  const line = document.createElement("span");
  line.textContent = said.fit ? words.good : said.advice;
  line.className = said.fit ? "good" : "bad";
  item.append(image, line);
  if (said.fit) {
    const photo = { blob, source };
    photos.push(photo);
    const remove = document.createElement("button");
    remove.type = "button";
    remove.className = "quiet";
    remove.textContent = words.remove;
    remove.addEventListener("click", () => {
      photos = photos.filter((one) => one !== photo);
      item.remove();
      ask();
    });
    item.append(remove);
  } else {
    item.className = "refused";
  }
  list.append(item);
  ask();
}

function ask() {
  guide.className = "";
  guide.textContent = photos.length < words.guide.length ? words.guide[photos.length] : words.enough;
}

form.addEventListener("submit", () => {
  if (!photos.length) return;
  const all = new DataTransfer();
  for (const file of files.files) all.items.add(file);
  photos.forEach(({ blob, source }, number) => {
    all.items.add(new File([blob], `${source} ${number + 1}.jpg`, { type: "image/jpeg" }));
  });
  files.files = all.files;
});
