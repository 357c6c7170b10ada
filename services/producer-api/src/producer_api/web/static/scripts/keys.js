// The keyboard: / to search, j and k through a list, enter to open, ? for help.
const HELP = [["/", "search"], ["j, k", "next, previous in a list"], ["Enter", "open it"], ["n", "new report"], ["g then o, r, d, k", "overview, reports, dead letters, kinds"], ["?", "this help"]];

const rows = () => [...document.querySelectorAll("[data-row]")];
let gone = 0;

function move(step) {
  const all = rows();
  if (!all.length) return;
  const index = all.findIndex((row) => row.contains(document.activeElement));
  const next = all[Math.min(all.length - 1, Math.max(0, index + step))] ?? all[0];
  next.querySelector("a")?.focus();
}

function help() {
  let dialog = document.getElementById("keys");
  if (!dialog) {
    dialog = document.createElement("dialog");
    dialog.id = "keys";
    dialog.setAttribute("aria-labelledby", "keys-title");
    const title = document.createElement("h2");
    title.id = "keys-title";
    title.textContent = "Keyboard";
    const list = document.createElement("dl");
    list.className = "facts";
    for (const [keys, what] of HELP) {
      const key = document.createElement("dt");
      const shown = document.createElement("kbd");
      shown.textContent = keys;
      key.append(shown);
      const meaning = document.createElement("dd");
      meaning.textContent = what;
      list.append(key, meaning);
    }
    const close = document.createElement("button");
    close.className = "button";
    close.textContent = "Close";
    close.addEventListener("click", () => dialog.close());
    dialog.append(title, list, close);
    document.body.append(dialog);
  }
  dialog.showModal();
}

function go(place) {
  const link = document.querySelectorAll(".top nav a");
  const titles = { o: "Overview", r: "Reports", d: "Dead letters", k: "Kinds" };
  [...link].find((one) => one.textContent === titles[place])?.click();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input:not([type=checkbox]), select, textarea") || document.querySelector("dialog[open]")) return;
  if (gone > Date.now() - 1500 && "ordk".includes(event.key)) {
    gone = 0;
    event.preventDefault();
    go(event.key);
    return;
  }
  const action = {
    "/": () => document.querySelector("[data-search]")?.focus(),
    j: () => move(1),
    k: () => move(-1),
    n: () => document.querySelector(".top a.button.primary")?.click(),
    g: () => (gone = Date.now()),
    "?": help,
  }[event.key];
  if (!action) return;
  event.preventDefault();
  action();
});

for (const button of document.querySelectorAll("[data-show-keys]")) {
  button.hidden = false;
  button.addEventListener("click", help);
}
