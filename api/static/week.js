// A week to draw the open hours on, with mouse, finger or keys. The field below it holds them in words, and sends them.
const drawing = document.getElementById("drawing");
const grid = document.getElementById("week");
const field = drawing.closest("form").elements.windows;
const said = document.getElementById("read");
const words = JSON.parse(drawing.dataset.words);
const narrow = matchMedia("(max-width: 40rem)");
const DAY = 1440;
const STEP = 30;
const STEPS = DAY / STEP;

let open = new Uint8Array(7 * DAY);
let before = open;
let anchor = null;
let opens = true;
let current = [0, 14];
let asked = 0;

const clock = (minute) =>
  minute === DAY ? "24:00" : [Math.floor((minute % DAY) / 60), minute % 60].map((part) => String(part).padStart(2, "0")).join(":");
const filled = (pattern, values) => pattern.replace(/{(\w+)}/g, (_, name) => values[name]);
const at = ([day, step]) => grid.querySelector(`[data-day="${day}"][data-step="${step}"]`);
const isOpen = ([day, step]) => at([day, step]).getAttribute("aria-selected") === "true";

function build() {
  const hours = document.createElement("div");
  hours.className = "marks";
  hours.setAttribute("aria-hidden", "true");
  hours.append(document.createElement("span"));
  for (let hour = 0; hour < 24; hour += 3) hours.append(Object.assign(document.createElement("span"), { textContent: hour }));
  grid.prepend(hours);
  words.days.forEach((name, day) => {
    const row = document.createElement("div");
    row.setAttribute("role", "row");
    const head = Object.assign(document.createElement("span"), { textContent: name });
    head.setAttribute("role", "rowheader");
    row.append(head);
    for (let step = 0; step < STEPS; step++) {
      const cell = document.createElement("span");
      cell.setAttribute("role", "gridcell");
      cell.setAttribute("aria-label", `${name} ${clock(step * STEP)}`);
      cell.tabIndex = -1;
      Object.assign(cell.dataset, { day, step });
      row.append(cell);
    }
    grid.append(row);
  });
  at(current).tabIndex = 0;
}

function show() {
  for (const cell of grid.querySelectorAll("[role=gridcell]")) {
    const start = cell.dataset.day * DAY + cell.dataset.step * STEP;
    const count = open.subarray(start, start + STEP).reduce((sum, one) => sum + one, 0);
    cell.setAttribute("aria-selected", String(count > 0));
    cell.classList.toggle("part", count > 0 && count < STEP);
  }
}

// The rectangle from where the hand began to where it is; what was there before comes back where it leaves again.
function paint(to) {
  open = before.slice();
  const [from, until] = [Math.min(anchor[1], to[1]), Math.max(anchor[1], to[1]) + 1];
  for (let day = Math.min(anchor[0], to[0]); day <= Math.max(anchor[0], to[0]); day++)
    open.fill(Number(opens), day * DAY + from * STEP, day * DAY + until * STEP);
  show();
  say();
}

function begin(cell, state) {
  [anchor, opens, before] = [cell, state, open.slice()];
}

function windows() {
  const found = [];
  for (let day = 0; day < 7; day++)
    for (let minute = 0; minute < DAY; minute++)
      if (open[day * DAY + minute]) {
        const start = minute;
        while (minute < DAY && open[day * DAY + minute]) minute++;
        found.push({ day, start, end: minute });
      }
  // A night that goes on past midnight is one window; from noon to noon would end when it begins, and stays two.
  for (const one of found.filter((each) => each.end === DAY && each.start >= DAY / 2)) {
    const isRest = (each) => each.day === (one.day + 1) % 7 && each.start === 0 && each.end <= DAY / 2 && each.end < one.start;
    const rest = found.find(isRest);
    if (rest) {
      one.end += rest.end;
      found.splice(found.indexOf(rest), 1);
    }
  }
  return found;
}

function dayWords(days) {
  if (days.length === 7) return words.every;
  const parts = [];
  for (let at = 0; at < days.length; at++) {
    const first = days[at];
    if (days[at + 1] === first + 1 && days[at + 2] === first + 2) while (days[at + 1] === days[at] + 1) at++;
    parts.push(first === days[at] ? words.days[first] : filled(words.run, { first: words.days[first], last: words.days[days[at]] }));
  }
  return parts.join(words.comma);
}

function say() {
  const byDay = new Map();
  for (const one of windows()) {
    const [start, end] = [clock(one.start), clock(one.end > DAY ? one.end - DAY : one.end)];
    const text = one.end > DAY ? filled(words.night, { start, end }) : `${start}–${end}`;
    byDay.set(one.day, [...(byDay.get(one.day) ?? []), text]);
  }
  const groups = new Map();
  for (const [day, texts] of [...byDay].sort(([one], [other]) => one - other)) {
    const key = texts.join(words.comma);
    groups.set(key, [...(groups.get(key) ?? []), day]);
  }
  field.value = [...groups].map(([times, days]) => `${dayWords(days)} ${times}`).join(words.semicolon);
  field.dispatchEvent(new Event("change", { bubbles: true }));
  said.hidden = true;
}

async function read() {
  const turn = ++asked;
  if (!field.value.trim()) return take([]);
  const answer = await fetch(`${drawing.dataset.reading}?words=${encodeURIComponent(field.value)}`).catch(() => null);
  if (!answer?.ok || turn !== asked) return;
  const found = await answer.json();
  said.textContent = found.problem ?? found.words;
  said.hidden = found.words === field.value;
  if (found.windows) take(found.windows);
}

function take(found) {
  open = new Uint8Array(7 * DAY);
  for (const [day, start, end] of found)
    for (let minute = start; minute < end; minute++) open[(day * DAY + minute) % open.length] = 1;
  show();
}

const cellOf = (event) => document.elementFromPoint(event.clientX, event.clientY)?.closest("#week [role=gridcell]");
const placeOf = (cell) => [Number(cell.dataset.day), Number(cell.dataset.step)];

function move(to) {
  at(current).tabIndex = -1;
  current = to;
  at(current).tabIndex = 0;
  at(current).focus();
}

grid.addEventListener("pointerdown", (event) => {
  const cell = cellOf(event);
  if (!cell) return;
  event.preventDefault();
  grid.setPointerCapture(event.pointerId);
  begin(placeOf(cell), !isOpen(placeOf(cell)));
  move(anchor);
  paint(anchor);
});
grid.addEventListener("pointermove", (event) => {
  const cell = grid.hasPointerCapture(event.pointerId) && cellOf(event);
  if (cell) paint(placeOf(cell));
});

const STEPS_OF = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] };

grid.addEventListener("keydown", (event) => {
  const [day, step] = current;
  if (event.key === " " || event.key === "Enter") {
    begin(current, !isOpen(current));
    paint(current);
  } else if (event.key === "Home" || event.key === "End") {
    go([day, event.key === "Home" ? 0 : STEPS - 1], event.shiftKey);
  } else if (STEPS_OF[event.key]) {
    const [along, across] = narrow.matches ? STEPS_OF[event.key].toReversed() : STEPS_OF[event.key];
    go([Math.min(6, Math.max(0, day + along)), Math.min(STEPS - 1, Math.max(0, step + across))], event.shiftKey);
  } else return;
  event.preventDefault();
});

function go(to, takingAlong) {
  if (takingAlong && !anchor) begin(current, isOpen(current));
  if (!takingAlong) anchor = null;
  move(to);
  if (takingAlong) paint(to);
}

let typing = 0;
field.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(read, 300);
});

build();
drawing.hidden = false;
show();
if (field.value) read();
