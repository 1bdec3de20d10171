// Keeps a part of a page as it is on the gate: the server renders it, we only fetch it again when something changed.
const part = document.getElementById("live");
const stale = document.getElementById("stale");
const ANSWERED_WITHIN_MS = 5000;
// A stream may be dead without a word: the gate says twice a second that it is there, and is asked where it does not.
const ASK_AFTER_MS = 900;
// Within two seconds it is told that what is shown is from before.
const SILENT_MS = 1500;
const TICK_MS = 250;
// A stream that says nothing for so long is dead, or was refused: another may be heard.
const FOLLOW_AGAIN_MS = 10_000;
const LOOK_EVERY_MS = Number(part.dataset.every ?? 10_000);
const STRUCTURE = ["DIV", "SECTION", "TABLE", "THEAD", "TBODY", "UL"];
let fetching = false;
let again = false;
let heard = Date.now();
// Since when it was not shown what is so, though we asked; 0: it was.
let unanswered = 0;

// An open question ("Yes, lock down"), what was ticked and what has the focus are not pulled away from under the hand.
const held = (one) => one === document.activeElement || one.matches("details[open], input:checked");
const within = (one) => [one, ...one.querySelectorAll("*")];
const holds = (one) => within(one).some(held);
// What is read out as it changes stays the same element too.
const stays = (one) => within(one).some((inner) => held(inner) || inner.hasAttribute("aria-live"));

function same(one, other) {
  if (one.nodeName !== other.nodeName || one.id !== other.id) return false;
  return one.id !== "" || STRUCTURE.includes(one.nodeName) || one.isEqualNode(other);
}

// Makes `old` what `now` is; but for what is held, all around it is new at once. Answers whether nothing was held back.
function follow(old, now) {
  if (old.isEqualNode(now)) return true;
  if (held(old)) return false;
  // The part itself stays, since it is what the next look is compared with.
  if (old !== part && !stays(old)) {
    old.replaceWith(now);
    return true;
  }
  for (const { name, value } of now.attributes) old.setAttribute(name, value);
  const staying = [...old.children].filter(stays);
  for (const child of [...old.childNodes]) if (!staying.includes(child)) child.remove();
  let place = old.firstChild;
  let whole = true;
  for (const child of [...now.childNodes]) {
    const at = staying.findIndex((one) => same(one, child));
    if (at < 0) {
      old.insertBefore(child, place);
      continue;
    }
    const [mine] = staying.splice(at, 1);
    whole = follow(mine, child) && whole;
    place = mine.nextSibling;
  }
  for (const left of staying) {
    if (holds(left)) whole = false;
    else left.remove();
  }
  return whole;
}

async function refresh() {
  again = true;
  if (fetching) return;
  fetching = true;
  again = false;
  unanswered ||= Date.now();
  try {
    const asked = { headers: { Accept: "text/html" }, signal: AbortSignal.timeout(ANSWERED_WITHIN_MS) };
    const answer = await fetch(part.dataset.live, asked);
    if (answer.redirected) return signIn();
    learnClock(answer.headers.get("Gate-Now"), ANSWERED_WITHIN_MS / 1000);
    if (!answer.ok) throw new Error(answer.statusText);
    const now = part.cloneNode(false);
    now.innerHTML = await answer.text();
    if (!follow(part, now)) again = true;
    unanswered = 0;
    heard = Date.now();
  } catch {
    again = true;
  }
  tellIfStale();
  fetching = false;
}

// From when on nothing new is known, by the gate's own clock.
function tellIfStale() {
  if (!stale) return;
  const since = Math.min(heard, unanswered || heard);
  const late = Date.now() - since >= SILENT_MS;
  if (late && stale.hidden) {
    const there = new Date(since + 1000 * Number(stale.dataset.offset));
    stale.textContent = stale.dataset.words.replace("{time}", there.toISOString().slice(11, 16));
  }
  stale.hidden = !late;
  part.classList.toggle("old", late);
}

// The gate's clock less ours, in seconds, as told with the least delay; null: not told yet. Ours goes on while a phone
// sleeps, and whoever sets it is found out by the next answer.
let ahead = typeof aheadAtFirst === "number" ? aheadAtFirst : null;

// `told` is what the gate's clock showed at most so many seconds ago; null: nobody knows how long ago.
function learnClock(told, withinS) {
  if (!told) return;
  const is = Number(told) - Date.now() / 1000;
  const isNoLonger = withinS !== null && is < ahead - withinS;
  if (ahead === null || is > ahead || isNoLonger) ahead = is;
}
// What the gate's clock shows now, no later than it does; "" where that is not known.
const gateNow = () => (ahead === null ? "" : (Date.now() / 1000 + ahead).toFixed(3));

// Where an order was given and not done, the way leads back to it.
let undone = false;
const signIn = () => location.assign(undone ? `/sign-in?back=${encodeURIComponent(location.pathname)}&undone=1` : "/sign-in");

let changes;
let followedAt;
function followGate() {
  changes?.close();
  followedAt = Date.now();
  changes = new EventSource("/api/v1/live?beats=1");
  for (const name of ["beat", "change"]) {
    changes.addEventListener(name, ({ data }) => {
      heard = followedAt = Date.now();
      learnClock(JSON.parse(data).now, null);
    });
  }
  changes.addEventListener("change", refresh);
  // The gate restarts; or we are not to be told any more: signed out, which the next look finds, or on too many pages,
  // which ask by themselves then.
  changes.addEventListener("error", refresh);
}
followGate();
setInterval(() => {
  const wanted = again && !(holds(part) && !unanswered);
  if (wanted || Date.now() - heard >= ASK_AFTER_MS) refresh();
  if (Date.now() - followedAt >= FOLLOW_AGAIN_MS) followGate();
  tellIfStale();
}, TICK_MS);
setInterval(refresh, LOOK_EVERY_MS);
