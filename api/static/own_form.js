// A form on somebody's own phone is sent without leaving its page: a browser without a network shows a page of its own, and
// what was typed or taken is gone.
const guide = document.getElementById("guide");

export function say(sentence, kind = "") {
  guide.textContent = sentence;
  guide.className = kind;
}

export function sendBy(deliver, form, button, words) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    say(words.wait);
    try {
      await deliver();
    } catch {
      say(words.failed, "bad");
    } finally {
      button.disabled = false;
    }
  });
}
