// Buttons that copy, forms that ask before they act, and the menu of who is signed in.
import { onEscape } from "./keys.js";

function showButtons() {
  for (const button of document.querySelectorAll("[data-copy][hidden]")) {
    button.dataset.shown = "";
    button.hidden = false;
  }
}
showButtons();
document.addEventListener("waybill:updated", showButtons);

const telling = new WeakSet(); // Of these buttons, the text is what came of it.
document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (!button || telling.has(button)) return;
  telling.add(button);
  const title = button.textContent;
  const name = button.getAttribute("aria-label");
  button.removeAttribute("aria-label"); // what came of it is read out
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Not allowed here";
  }
  setTimeout(() => {
    button.textContent = title;
    if (name) button.setAttribute("aria-label", name);
    telling.delete(button);
  }, 1500);
});

/** Asks, and sends the form as one whose question was answered: without scripts, the server asks. */
export function askFirst(event, question) {
  if (!confirm(question)) {
    event.preventDefault();
    return false;
  }
  const confirmed = document.createElement("input");
  confirmed.type = "hidden";
  confirmed.name = "confirmed";
  confirmed.value = "1";
  event.target.append(confirmed);
  return true;
}

document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question) askFirst(event, question);
});

const menu = () => document.querySelector(".account[open]");

document.addEventListener("click", (event) => {
  if (!event.target.closest?.(".account")) menu()?.removeAttribute("open");
});

onEscape(() => {
  const open = menu();
  open?.removeAttribute("open");
  open?.querySelector("summary").focus();
});
