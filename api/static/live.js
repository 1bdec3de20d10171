// Keeps a part of a page as it is on the gate: the server renders it, we only fetch it again when something changed.
const part = document.getElementById("live");
let fetching = false;
let again = false;

// An open question ("Yes, lock down") is not pulled away from under the hand, nor what was ticked.
const inUse = () => part.querySelector("details[open], input:checked") || part.contains(document.activeElement);

async function refresh() {
  if (fetching || inUse()) {
    again = true;
    return;
  }
  fetching = true;
  again = false;
  try {
    const answer = await fetch(part.dataset.live, { headers: { Accept: "text/html" } });
    if (answer.redirected) return location.assign("/sign-in");
    const text = await answer.text();
    if (inUse()) again = true;
    else if (answer.ok) part.innerHTML = text;
  } catch {
    again = true;
  }
  fetching = false;
}

const changes = new EventSource("/api/v1/live");
changes.addEventListener("change", refresh);
// Not to be told any more: signed out, which the next look finds, or on too many pages, which look by themselves then.
changes.addEventListener("error", () => {
  if (changes.readyState !== EventSource.CLOSED) return;
  refresh();
  setInterval(refresh, 5000);
});
setInterval(() => again && refresh(), 500);
if (part.dataset.every) setInterval(refresh, Number(part.dataset.every));
