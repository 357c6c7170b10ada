// The waterfall of a report that runs grows; and what a bar is, is shown beside it.
import { onEscape } from "./keys.js";
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
  if (since > length && section.querySelector("rect[data-grows]")) schedule(1000);
}

function frame(time) {
  requestAnimationFrame(frame);
  const section = document.querySelector(".wf[data-runs]");
  if (!section || document.hidden || time - last < (calm.matches ? 5000 : 250)) return;
  last = time;
  grow(section);
}
requestAnimationFrame(frame);

// --- what a bar is, on hover and focus: above its row, since one reads on below
const GAP = 2;
const ENOUGH = 280; // pixels
const row = (event) => event.target.closest?.(".wf summary[data-tip]");
function show(event) {
  const summary = row(event);
  const tip = document.getElementById("wf-tip");
  if (!tip) return;
  tip.hidden = !summary;
  if (!summary) return;
  tip.textContent = summary.dataset.tip;
  const box = summary.getBoundingClientRect();
  const bar = summary.querySelector(".wf-bar").getBoundingClientRect();
  const around = tip.parentElement.getBoundingClientRect();
  // Over the bars alone, where they have the room, so that names can be read on.
  tip.style.left = bar.width > ENOUGH ? `${bar.left - around.left}px` : "";
  const above = box.top - tip.offsetHeight - GAP;
  tip.style.top = `${(above < 0 ? box.bottom + GAP : above) - around.top}px`;
}
document.addEventListener("pointerover", show);
document.addEventListener("focusin", show);
document.addEventListener("focusout", show);
onEscape(() => {
  const tip = document.getElementById("wf-tip");
  if (tip) tip.hidden = true;
});
