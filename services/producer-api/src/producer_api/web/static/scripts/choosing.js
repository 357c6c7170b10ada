// Rows that are chosen by checkboxes, and a question that says how many before something is done with them.
//
//   <form data-choosing="{verb} {}?" data-noun="report">  {} becomes "3 reports", {verb} the button's title; a
//                                       button with data-question asks that instead
import { askFirst } from "./actions.js";

const boxes = (form) => [...form.querySelectorAll("tbody input[type=checkbox]")];

function show(form) {
  const all = boxes(form);
  const chosen = all.filter((box) => box.checked).length;
  for (const button of form.querySelectorAll("[data-needs-choice]")) {
    button.dataset.title ??= button.textContent;
    button.disabled = chosen === 0;
    button.textContent = chosen ? `${button.dataset.title} (${chosen})` : button.dataset.title;
  }
  const every = form.querySelector("[data-choose-all]");
  if (every) {
    every.dataset.shown = "";
    every.hidden = false;
    every.checked = chosen > 0 && chosen === all.length;
    every.indeterminate = chosen > 0 && chosen < all.length;
  }
}

function showAll() {
  for (const form of document.querySelectorAll("form[data-choosing]")) show(form);
}

document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-choosing]");
  if (!form) return;
  if (event.target.matches("[data-choose-all]")) for (const box of boxes(form)) box.checked = event.target.checked;
  show(form);
});

document.addEventListener("submit", (event) => {
  const form = event.target.closest("form[data-choosing]");
  if (!form) return;
  const chosen = boxes(form).filter((box) => box.checked);
  const question = event.submitter?.dataset.question ?? form.dataset.choosing.replace("{verb}", event.submitter?.dataset.title ?? "").replace("{}", `${chosen.length} ${form.dataset.noun}${chosen.length === 1 ? "" : "s"}`);
  if (!askFirst(event, question)) return;
  // All of them are meant, whatever is chosen.
  if (event.submitter?.dataset.all !== undefined) for (const box of chosen) box.checked = false;
});

document.addEventListener("waybill:updated", showAll);
// Also of a page that one goes back to: by now the browser has chosen again what was chosen.
addEventListener("pageshow", showAll);
showAll();
