// The waterfall of a report that runs grows; and what a bar is, is shown beside it.
import { schedule } from "./live.js";
import { inWords, now } from "./times.js";

const calm = matchMedia("(prefers-reduced-motion: reduce)");
const NARROWEST = 0.2;
let last = 0;

function grow(section) {
  const since = now() - Number(section.dataset.origin);
  const length = Number(section.dataset.length);
  for (const bar of section.querySelectorAll("[data-grows]")) {
    const x = Number.parseFloat(bar.getAttribute("x"));
    const end = Math.min(100, (100 * since) / length);
    bar.setAttribute("width", `${Math.max(NARROWEST, end - x).toFixed(3)}%`);
  }
  for (const took of section.querySelectorAll("[data-took]")) {
    took.textContent = inWords(Math.max(0, since - Number(took.dataset.took)) / 1000);
  }
  // The axis is at its end: the server draws a longer one.
  if (since > length) schedule(1000);
}

function frame(time) {
  requestAnimationFrame(frame);
  const section = document.querySelector(".wf[data-runs]");
  if (!section || document.hidden || time - last < (calm.matches ? 5000 : 250)) return;
  last = time;
  grow(section);
}
requestAnimationFrame(frame);

// --- what a bar is, on hover and focus
const row = (event) => event.target.closest?.(".wf summary[data-tip]");
function show(event) {
  const summary = row(event);
  const tip = document.getElementById("wf-tip");
  if (!tip) return;
  tip.hidden = !summary;
  if (!summary) return;
  tip.textContent = summary.dataset.tip;
  const box = summary.getBoundingClientRect();
  const around = tip.parentElement.getBoundingClientRect();
  tip.style.bottom = "auto";
  tip.style.top = `${box.bottom - around.top + 2}px`;
}
document.addEventListener("pointerover", show);
document.addEventListener("focusin", show);
document.addEventListener("focusout", show);
document.addEventListener("keydown", (event) => {
  const tip = document.getElementById("wf-tip");
  if (event.key === "Escape" && tip) tip.hidden = true;
});
