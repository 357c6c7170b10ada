// Buttons that copy, and forms that ask before they act.
function showButtons() {
  for (const button of document.querySelectorAll("[data-copy][hidden]")) {
    button.dataset.shown = "";
    button.hidden = false;
  }
}
showButtons();
document.addEventListener("waybill:updated", showButtons);

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (!button) return;
  const title = button.textContent;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Not allowed here";
  }
  setTimeout(() => (button.textContent = title), 1500);
});

document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question && !confirm(question)) event.preventDefault();
});
