// Keeps the screen's page as it is while nobody answers, and shows it when it is opened before the gate is there.
const KEPT = "/gate/gone";
const FILES = ["/static/screen.css", "/static/screen.js", "/static/screen_sounds.js", "/static/icon.svg"];
const NAME = self.location.search;
const PATIENCE_MS = 5000;

self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(caches.open(NAME).then((cache) => cache.addAll([KEPT, ...FILES])));
});

self.addEventListener("activate", (event) => {
  const old = caches.keys().then((names) => Promise.all(names.filter((one) => one !== NAME).map((one) => caches.delete(one))));
  event.waitUntil(old.then(() => self.clients.claim()));
});

async function answer(request, kept) {
  try {
    const found = await fetch(request, { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (found.status < 500) return found;
  } catch {
    // Nobody answers.
  }
  return (await caches.match(kept)) ?? Response.error();
}

self.addEventListener("fetch", (event) => {
  const { pathname } = new URL(event.request.url);
  if (event.request.mode === "navigate" && pathname === "/gate") event.respondWith(answer(event.request, KEPT));
  else if (FILES.includes(pathname)) event.respondWith(answer(event.request, pathname));
});
