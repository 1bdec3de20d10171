// What is typed into a form and not sent yet is kept in this tab, for whoever is signed in: over another language, the way
// back, and a login that ended. Never passwords, files and what each person is asked anew; gone when it is sent, and when
// somebody signs out. What a browser itself would bring back of what was sent, no form of the console takes.
const { user, kept, discard, refused, at: standsAt } = document.currentScript.dataset;
const PREFIX = "draft ";
const SENT = "sent";
const mine = (name) => name.startsWith(`${PREFIX}${user} `);
const drafts = () => Object.keys(sessionStorage).filter((name) => name.startsWith(PREFIX));
// These hidden fields are others each time; the rest say for whom a form is, of several that are sent to one address.
const PASSING = ["key", "known_as", "shown", "at", "language", "seen"];
const ofWhom = (form) => [...form.elements].filter((one) => one.type === "hidden" && !PASSING.includes(one.name)).map((one) => [one.name, one.value]);
const keyOf = (form) => {
  const { pathname, search } = new URL(form.action, location.href);
  return `${PREFIX}${user} ${pathname}${search} ${JSON.stringify(ofWhom(form))}`;
};
const fieldsOf = (form) =>
  [...form.elements].filter(
    (one) => one.name && one.matches("input:not([data-anew]), select:not([data-anew]), textarea") && !["password", "file", "hidden"].includes(one.type),
  );
const isTicked = (one) => ["checkbox", "radio"].includes(one.type);
const valueOf = (one) => (isTicked(one) ? one.checked : one.value);
const givenOf = (one) => {
  if (isTicked(one)) return one.defaultChecked;
  if (one.matches("select")) return ([...one.options].find((each) => each.defaultSelected) ?? one.options[0])?.value;
  return one.defaultValue;
};
const nameOf = (one) => (isTicked(one) ? `${one.name}=${one.value}` : one.name);
// Here somebody says yes first to what they sent: it was not taken yet.
const asks = document.querySelector("#kept, form#look");
const forms = asks ? [] : [...document.querySelectorAll("main form[method=post]")].filter((form) => fieldsOf(form).length);

// Nothing of another person at this browser; and what was sent and taken is no draft any more.
function tidy() {
  // Whoever must sign in first has sent nothing that was taken.
  if (!user) return sessionStorage.removeItem(SENT);
  for (const name of drafts()) if (!mine(name)) sessionStorage.removeItem(name);
  const sent = sessionStorage.getItem(SENT);
  if (asks) return askedOf(sent ?? history.state?.sent);
  sessionStorage.removeItem(SENT);
  // Whoever went back to correct it, or loaded the page again, was told nothing of it.
  const anew = performance.getEntriesByType("navigation")[0]?.type !== "navigate";
  if (sent && !anew && !document.querySelector("main > .problem[role=alert]")) sessionStorage.removeItem(sent);
}

// What a form was answered with cannot be had again: whoever comes back here, or loads it again, gets the page of the form,
// which is where it was sent from, or where the page says that it stands.
function standOnItsForm() {
  const stood = standsAt ? new URL(standsAt, location.href) : document.referrer && new URL(document.referrer);
  if ((standsAt || (refused !== undefined && !asks)) && stood.origin === location.origin) history.replaceState(history.state, "", stood);
}

// Also whoever comes forward again to the question says yes to that form.
function askedOf(sent) {
  if (!sent) return;
  sessionStorage.setItem(SENT, sent);
  history.replaceState({ sent }, "");
}

function keep(form) {
  const typed = fieldsOf(form).filter((one) => valueOf(one) !== givenOf(one));
  if (typed.length) sessionStorage.setItem(keyOf(form), JSON.stringify(typed.map((one) => [nameOf(one), givenOf(one), valueOf(one)])));
  else sessionStorage.removeItem(keyOf(form));
}

function bringBack(form) {
  const found = JSON.parse(sessionStorage.getItem(keyOf(form)) ?? "[]");
  const back = found.filter(([name, given, value]) => {
    const field = fieldsOf(form).find((one) => nameOf(one) === name);
    // What somebody else changed meanwhile stays as they changed it.
    if (!field || givenOf(field) !== given || valueOf(field) === value) return false;
    if (isTicked(field)) field.checked = value;
    else field.value = value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    return true;
  });
  if (back.length) tell(form);
}

function tell(form) {
  const line = Object.assign(document.createElement("p"), { className: "notice", textContent: `${kept} ` });
  line.setAttribute("role", "status");
  const button = Object.assign(document.createElement("button"), { type: "button", className: "quiet", textContent: discard });
  button.addEventListener("click", () => {
    form.reset();
    // What is drawn beside a form goes by its fields.
    for (const field of fieldsOf(form)) field.dispatchEvent(new Event("input", { bubbles: true }));
    sessionStorage.removeItem(keyOf(form));
    line.remove();
  });
  line.append(button);
  form.before(line);
}

// A page that comes back as it was left holds what was sent from it, and the photos of whoever that was.
addEventListener("pageshow", (event) => {
  if (event.persisted && forms.length) location.reload();
});

tidy();
standOnItsForm();
if (user) {
  for (const form of forms) {
    bringBack(form);
    form.addEventListener("input", () => keep(form));
    form.addEventListener("change", () => keep(form));
    form.addEventListener("submit", () => sessionStorage.setItem(SENT, keyOf(form)));
  }
  document.querySelector("form[action=\"/sign-out\"]")?.addEventListener("submit", () => {
    for (const name of drafts()) sessionStorage.removeItem(name);
  });
}
