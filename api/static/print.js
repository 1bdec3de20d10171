// A button that prints the page; without scripts the browser's own menu does.
const print = document.getElementById("print");
print.hidden = false;
print.addEventListener("click", () => window.print());
