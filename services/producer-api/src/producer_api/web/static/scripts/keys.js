// The keyboard: one table, by which keys act and which the help shows. `keys` that are two are pressed one after the
// other. Without `act`, the browser itself or `onEscape` acts; `link` is what the keys follow, where the page has it.
const place = (title) => () => [...document.querySelectorAll(".top nav a")].find((one) => one.textContent.trim() === title);

const KEYS = [
  { keys: "/", what: "search", act: () => document.querySelector("[data-search]")?.focus() },
  { keys: "j", what: "next in a list", act: () => move(1) },
  { keys: "k", what: "previous in a list", act: () => move(-1) },
  { keys: "Enter", what: "open it" },
  { keys: "x", what: "choose it, or not", act: choose },
  { keys: "n", what: "new report", link: () => document.querySelector(".top a.button.primary") },
  { keys: "g o", what: "overview", link: place("Overview") },
  { keys: "g r", what: "reports", link: place("Reports") },
  { keys: "g d", what: "dead letters", link: place("Dead letters") },
  { keys: "g k", what: "kinds", link: place("Kinds") },
  { keys: "Escape", shown: "Esc", what: "close what is open", act: close, keepsDefault: true },
  { keys: "?", what: "this help", act: help },
];
const PATIENCE = 1500; // milliseconds, from the first of two keys to the second

let first = "";
let until = 0;

/** The row of the table, once all of its keys are pressed. */
function pressed(key) {
  const both = Date.now() < until ? `${first} ${key}` : key;
  until = 0;
  const found = KEYS.find((one) => one.keys === both) ?? KEYS.find((one) => one.keys === key);
  if (!found && KEYS.some((one) => one.keys.startsWith(`${key} `))) {
    first = key;
    until = Date.now() + PATIENCE;
  }
  return found;
}

const rows = () => [...document.querySelectorAll("[data-row]")];

function move(step) {
  const all = rows();
  if (!all.length) return;
  const index = all.findIndex((row) => row.contains(document.activeElement));
  const next = all[Math.min(all.length - 1, Math.max(0, index + step))] ?? all[0];
  next.querySelector("a")?.focus();
}

function choose() {
  document.activeElement?.closest("[data-row]")?.querySelector("input[type=checkbox]")?.click();
}

const closing = [];
/** Calls `what` where a person wants to close what is open; it does nothing where that is not open. */
export function onEscape(what) {
  closing.push(what);
}

function close() {
  for (const what of closing) what();
}

function element(name, content = [], more = {}) {
  const made = Object.assign(document.createElement(name), more);
  made.append(...content);
  return made;
}

function help() {
  document.getElementById("keys")?.remove();
  const list = element("dl", [], { className: "facts" });
  for (const { keys, shown, what, link } of KEYS) {
    if (link && !link()) continue;
    const each = (shown ?? keys).split(" ").flatMap((key) => [" ", element("kbd", [key])]);
    list.append(element("dt", each.slice(1)), element("dd", [what]));
  }
  const title = element("h2", ["Keyboard"], { id: "keys-title" });
  const button = element("button", ["Close"], { className: "button end", type: "button" });
  const dialog = element("dialog", [element("div", [title, button], { className: "row" }), list], { id: "keys" });
  dialog.setAttribute("aria-labelledby", "keys-title");
  button.addEventListener("click", () => dialog.close());
  document.body.append(dialog);
  dialog.showModal();
}

const isTyped = (event) => event.key !== "Escape" && event.target.matches("input:not([type=checkbox]), select, textarea");

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyped(event) || document.querySelector("dialog[open]")) return;
  const found = pressed(event.key);
  const act = found?.act ?? (found?.link && (() => found.link()?.click()));
  if (!act) return;
  if (!found.keepsDefault) event.preventDefault();
  act();
});

for (const button of document.querySelectorAll("[data-show-keys]")) {
  button.hidden = false;
  button.addEventListener("click", help);
}
