// The screen at the gate: asks what to say whenever something changed, and says so itself when nobody answers.
const words = document.getElementById("words");
const advice = document.getElementById("advice");

async function ask() {
  try {
    const answer = await fetch("/gate/now");
    if (!answer.ok) return;
    const now = await answer.json();
    document.body.dataset.signal = now.signal;
    words.textContent = now.words;
    advice.textContent = now.advice;
  } catch {
    document.body.dataset.signal = "fault";
  }
}

const changes = new EventSource("/gate/live");
changes.addEventListener("change", ask);
changes.addEventListener("error", ask);
// An answer is shown for a few seconds and then is over, with nothing new to tell it.
setInterval(ask, 1000);

// Whoever stands there sees where they are, as in a mirror: an outline and never the picture.
const outline = document.querySelector(".seen");
const symbol = document.querySelector(".face");
const FULL = 200;

async function mirror() {
  let face = null;
  try {
    const answer = await fetch("/gate/silhouette");
    if (answer.ok) face = (await answer.json()).face;
  } catch {
    // The words say that nobody answers.
  }
  const [right, y, width, height] = face ?? [0, 0.5, 0, 0];
  outline.setAttribute("cx", (0.5 - right) * FULL);
  outline.setAttribute("cy", y * FULL);
  outline.setAttribute("rx", width * FULL / 2);
  outline.setAttribute("ry", height * FULL / 2);
  symbol.style.opacity = face ? 0 : 1;
  setTimeout(mirror, face ? 150 : 500);
}

mirror();
