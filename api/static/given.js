// An order that is sent before the other scripts are there says when it was given, too: a network may hold it back. This one
// is there before any button is. Without scripts an order is done whenever it comes.
const came = performance.getEntriesByType("navigation")[0]?.responseStart ?? performance.now();
const aheadAtFirst = Number(document.currentScript.dataset.now) - (performance.timeOrigin + came) / 1000;
document.addEventListener("formdata", ({ target, formData }) => {
  if (target.matches("[data-order]")) formData.set("given", (Date.now() / 1000 + aheadAtFirst).toFixed(3));
});
