// What is filled in beside a deed chooses that deed: whoever types a last day means it.
for (const field of document.querySelectorAll("[data-deed]")) {
  field.addEventListener("input", () => {
    document.querySelector(`input[name="deed"][value="${field.dataset.deed}"]`).checked = true;
  });
}
