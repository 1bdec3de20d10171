// A photo from this phone's camera, judged by the gate before it is sent with the form.
const box = document.getElementById("camera");
const file = document.querySelector("#own input[type=file]");
const words = JSON.parse(box.dataset.words);
const [start, video, taken, guide, take, send] = ["start", "viewfinder", "taken", "guide", "take", "send"].map((id) =>
  document.getElementById(id),
);

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
  const answer = await fetch(box.dataset.checks, { method: "POST", body });
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

function say(sentence, kind = "") {
  guide.textContent = sentence;
  guide.className = kind;
}

document.getElementById("own").addEventListener("submit", () => {
  send.disabled = true;
  say(words.wait);
});

// Back from the next page the button works again.
addEventListener("pageshow", () => {
  send.disabled = false;
});
