// Keeps the page that draws a resident's code, and shows it while there is no network. It is told no key: what stands behind
// the # of an address is no part of what is asked.
const PAGE = "/code";
const NAME = "code";

self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(caches.open(NAME).then((cache) => cache.add(PAGE)));
});

self.addEventListener("fetch", (event) => {
  if (event.request.mode === "navigate" && new URL(event.request.url).pathname === PAGE) event.respondWith(answer(event.request));
});

async function answer(request) {
  try {
    const found = await fetch(request, { signal: AbortSignal.timeout(5000) });
    if (found.ok) await (await caches.open(NAME)).put(PAGE, found.clone());
    if (found.status < 500) return found;
  } catch {
    // Nobody answers.
  }
  return (await caches.match(PAGE)) ?? Response.error();
}
