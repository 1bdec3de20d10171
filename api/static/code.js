// Draws a resident's code as a picture to hold up to the gate's camera, another each half minute. All of it is in this one
// file, and the key in what stands behind the # of its address, which no browser sends: it needs no network, and can be saved.
const STEP_S = 30;
const root = document.documentElement;
const [handle, written] = (location.hash.slice(1) || root.dataset.key || "").split(".");
const at = (id) => document.getElementById(id);
const whole = `<!doctype html>\n${root.outerHTML}`;

// What is written in base32 (RFC 4648), without padding.
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

function bytesOf(text) {
  const bits = [...text].map((letter) => LETTERS.indexOf(letter).toString(2).padStart(5, "0")).join("");
  return Uint8Array.from({ length: Math.floor(bits.length / 8) }, (_, one) => parseInt(bits.slice(8 * one, 8 * one + 8), 2));
}

function lettersOf(bytes, count) {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return Array.from({ length: count }, (_, one) => LETTERS[parseInt(bits.slice(5 * one, 5 * one + 5), 2)]).join("");
}

// HMAC-SHA256 of R, the handle, and the number of the half minute, 65 bits of it.
async function codeAt(key, step) {
  const said = new Uint8Array(15);
  said.set(new TextEncoder().encode(`R${handle}`));
  new DataView(said.buffer).setBigUint64(7, BigInt(step));
  const mac = await crypto.subtle.sign("HMAC", key, said);
  return `R${handle}${lettersOf(new Uint8Array(mac), 13)}`;
}

// A QR code of version 1-M, which twenty such letters fill to the last bit (ISO/IEC 18004), with mask 3.
const SIZE = 21;
const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
const CORRECTION = 10;
const FORMAT = "101101101001011";
const [POWERS, LOGS] = [new Array(255), new Array(256)];
for (let one = 0, power = 1; one < 255; one++) {
  [POWERS[one], LOGS[power]] = [power, one];
  power = power & 128 ? (power << 1) ^ 0x11d : power << 1;
}
const times = (one, other) => (one && other ? POWERS[(LOGS[one] + LOGS[other]) % 255] : 0);

function codewords(text) {
  const bit = (value, length) => value.toString(2).padStart(length, "0");
  let bits = bit(2, 4) + bit(text.length, 9);
  for (let one = 0; one < text.length; one += 2) {
    bits += bit(45 * ALPHABET.indexOf(text[one]) + ALPHABET.indexOf(text[one + 1]), 11);
  }
  const data = Array.from({ length: 16 }, (_, one) => parseInt(bits.padEnd(128, "0").slice(8 * one, 8 * one + 8), 2));
  let generator = [1];
  for (let root = 0; root < CORRECTION; root++) {
    const longer = [...generator, 0];
    generator.forEach((factor, one) => (longer[one + 1] ^= times(factor, POWERS[root])));
    generator = longer;
  }
  const rest = [...data, ...new Array(CORRECTION).fill(0)];
  for (let one = 0; one < data.length; one++) {
    const factor = rest[one];
    generator.forEach((other, beside) => (rest[one + beside] ^= times(other, factor)));
  }
  return [...data, ...rest.slice(data.length)];
}

function modulesOf(text) {
  const grid = Array.from({ length: SIZE }, () => new Array(SIZE).fill(null));
  for (const [top, left] of [[0, 0], [0, SIZE - 7], [SIZE - 7, 0]]) {
    for (let down = -1; down < 8; down++) {
      for (let across = -1; across < 8; across++) {
        const ring = Math.max(Math.abs(down - 3), Math.abs(across - 3));
        if (grid[top + down]?.[left + across] === null) grid[top + down][left + across] = ring !== 2 && ring < 4;
      }
    }
  }
  for (let one = 8; one < SIZE - 8; one++) grid[6][one] = grid[one][6] = one % 2 === 0;
  [...FORMAT].forEach((bit, one) => {
    const beside = one < 6 ? one : one < 8 ? one + 1 : null;
    if (beside !== null) grid[8][beside] = bit === "1";
    else grid[one === 8 ? 7 : 14 - one][8] = bit === "1";
    if (one < 7) grid[SIZE - 1 - one][8] = bit === "1";
    else grid[8][SIZE - 15 + one] = bit === "1";
  });
  grid[SIZE - 8][8] = true;
  const bits = codewords(text).map((word) => word.toString(2).padStart(8, "0")).join("");
  let [next, up] = [0, true];
  for (let right = SIZE - 1; right > 0; right -= 2) {
    if (right === 6) right--;
    for (let row = 0; row < SIZE; row++) {
      for (const across of [right, right - 1]) {
        const down = up ? SIZE - 1 - row : row;
        if (grid[down][across] === null) grid[down][across] = (bits[next++] === "1") !== ((down + across) % 3 === 0);
      }
    }
    up = !up;
  }
  return grid;
}

function draw(text) {
  const dark = modulesOf(text).flatMap((row, down) => row.map((on, across) => (on ? `M${across + 4} ${down + 4}h1v1h-1z` : "")));
  at("dark").setAttribute("d", dark.join(""));
}

async function show(key) {
  const [step, left] = [Math.floor(Date.now() / 1000 / STEP_S), STEP_S - (Math.floor(Date.now() / 1000) % STEP_S)];
  at("left").value = left;
  if (step !== show.step) {
    show.step = step;
    draw(await codeAt(key, step));
  }
  setTimeout(show, 250, key);
}

function save() {
  const page = whole.replace("<html ", `<html data-key="${handle}.${written}" `);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([page], { type: "text/html" }));
  link.download = "gate-code.html";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

async function begin() {
  if (!/^[A-Z2-7]{6}$/.test(handle) || !/^[A-Z2-7]{32}$/.test(written)) return say("none");
  if (!crypto.subtle) return say("old");
  const key = await crypto.subtle.importKey("raw", bytesOf(written), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  at("picture").hidden = false;
  at("save").addEventListener("click", save);
  show(key);
  // Only where the browser trusts the gate's certificate; elsewhere the page can be saved.
  if (location.protocol === "https:") navigator.serviceWorker?.register("/code/worker.js", { scope: "/code" }).catch(() => {});
}

function say(what) {
  at(what).hidden = false;
}

begin();
