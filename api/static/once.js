// Pressed twice, a form is sent once: a browser shows what the second sending is answered with, and what the first one made
// and told, such as the picture of a pass, would be seen by nobody.
const AGAIN_AFTER_MS = 5000;
const sent = new WeakMap();

// After the form's own scripts: what those send themselves is theirs.
document.addEventListener("submit", (event) => {
  if (event.defaultPrevented || event.target.method !== "post") return;
  const before = sent.get(event.target);
  if (before && before.by === event.submitter && performance.now() - before.at < AGAIN_AFTER_MS) event.preventDefault();
  else sent.set(event.target, { by: event.submitter, at: performance.now() });
});

// A page that comes back as it was left is pressed anew.
addEventListener("pageshow", () => {
  for (const form of document.forms) sent.delete(form);
});
