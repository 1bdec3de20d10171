// "I agree".
import { say, sendBy } from "/static/own_form.js";

const form = document.getElementById("agree");
const ANSWERED_WITHIN_MS = 20_000;

sendBy(agree, form, form.querySelector("button"), document.getElementById("guide").dataset);

async function agree() {
  const answer = await fetch(form.action, {
    method: "POST",
    body: new URLSearchParams(new FormData(form)),
    signal: AbortSignal.timeout(ANSWERED_WITHIN_MS),
  });
  const main = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("main");
  if (!main) throw new Error("That is no page of ours.");
  if (answer.ok) return location.replace(answer.url);
  say("");
  document.querySelectorAll("#main > .problem").forEach((one) => one.remove());
  if (main.querySelector("#agree")) return form.before(...main.querySelectorAll(":scope > .problem"));
  document.getElementById("main").replaceWith(main);
}
