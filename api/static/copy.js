// Puts the link into the clipboard, where the browser lends one.
const [address, copy] = ["address", "copy"].map((id) => document.getElementById(id));

if (copy) {
  copy.hidden = !navigator.clipboard;
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(address.value);
    copy.textContent = copy.dataset.done;
  });
}
