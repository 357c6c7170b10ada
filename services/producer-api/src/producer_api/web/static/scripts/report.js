// One report's page: the log stays at its end while it is looked at there.
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

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
function showClock() {
  for (const time of document.querySelectorAll("time[data-clock]")) time.textContent = clock.format(new Date(time.dateTime));
}

function update() {
  showClock();
  follow();
}
update();
document.addEventListener("waybill:updated", update);
