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
