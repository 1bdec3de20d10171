// Sends the picture of a pass by whatever the phone sends pictures with, where its browser can.
const share = document.getElementById("share");

function picture(address) {
  const bytes = Uint8Array.from(atob(address.split(",")[1]), (letter) => letter.charCodeAt(0));
  return new File([bytes], "pass.png", { type: "image/png" });
}

if (share) {
  const sent = { files: [picture(share.dataset.picture)], text: share.dataset.text };
  share.hidden = !navigator.canShare?.(sent);
  share.addEventListener("click", () => navigator.share(sent).catch(() => {}));
}
