// One report's page: the log stays at its end while it is looked at there, and the steps at the one that runs.
let atEnd = true;
const watched = new WeakSet();
const log = () => document.querySelector("[data-follow]");

function follow() {
  const box = log();
  if (!box) return;
  if (!watched.has(box)) {
    box.addEventListener("scroll", () => (atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 24));
    watched.add(box);
  }
  if (atEnd) box.scrollTop = box.scrollHeight;
}

let looksElsewhere = false;
for (const name of ["wheel", "touchmove", "keydown", "mousedown"]) {
  document.addEventListener(name, (event) => (looksElsewhere ||= event.target.closest?.("[data-steps]") != null), { passive: true });
}

function followSteps() {
  const box = document.querySelector("[data-steps]");
  const row = box?.querySelector("tr[data-runs]");
  if (row && !looksElsewhere) box.scrollTop = row.offsetTop - (box.clientHeight - row.offsetHeight) / 2;
}

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
function showClock() {
  for (const time of document.querySelectorAll("time[data-clock]")) time.textContent = clock.format(new Date(time.dateTime));
}

function update() {
  showClock();
  follow();
  followSteps();
}
update();
document.addEventListener("waybill:updated", update);
