// Photos from this device's camera, each judged by the gate before it is sent with the form.
const box = document.getElementById("camera");
const form = document.getElementById("enrol");
const files = form.querySelector("input[type=file]");
const words = JSON.parse(box.dataset.words);
const [start, video, guide, take, list] = ["start", "viewfinder", "guide", "take", "taken"].map((id) => document.getElementById(id));
const ENOUGH = 3;
let photos = [];

box.hidden = !navigator.mediaDevices;

start.addEventListener("click", async () => {
  try {
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: { width: 1280, height: 720, facingMode: "user" } });
  } catch (error) {
    guide.textContent = words.none.replace("{why}", error.message);
    return;
  }
  await video.play();
  start.hidden = true;
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
    const answer = await fetch(box.dataset.check, { method: "POST", body });
    const said = answer.ok ? await answer.json() : { fit: false, advice: answer.statusText };
    show(blob, said);
  } finally {
    take.disabled = false;
  }
});

function show(blob, said) {
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
    const photo = { blob };
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
  guide.textContent = photos.length < ENOUGH ? words.guide[photos.length] : words.enough;
}

form.addEventListener("submit", () => {
  if (!photos.length) return;
  const all = new DataTransfer();
  for (const file of files.files) all.items.add(file);
  photos.forEach(({ blob }, number) => all.items.add(new File([blob], `camera ${number + 1}.jpg`, { type: "image/jpeg" })));
  files.files = all.files;
});
