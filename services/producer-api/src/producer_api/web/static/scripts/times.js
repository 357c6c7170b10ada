// Times in the viewer's zone, and durations that grow.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const shown = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" });
const shownWithYear = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" });
const whole = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "long" });
const offset = new Intl.DateTimeFormat("en-GB", { timeZoneName: "longOffset" });

/** Seconds as words, as the server writes them. */
export function inWords(seconds) {
  if (seconds < 0.9995) return `${Math.max(0, Math.round(seconds * 1000))} ms`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const total = Math.round(seconds);
  const units = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
  for (let i = 0; i < units.length - 1; i++) {
    const [name, size] = units[i];
    if (total < size) continue;
    const rest = Math.floor((total % size) / units[i + 1][1]);
    return rest ? `${Math.floor(total / size)} ${name} ${rest} ${units[i + 1][0]}` : `${Math.floor(total / size)} ${name}`;
  }
  return `${total} s`;
}

/** The server's clock, as far as this browser's differs from it, in milliseconds. */
let ahead = 0;
export const now = () => Date.now() + ahead;
export function setServerTime(header) {
  const server = Date.parse(header ?? "");
  if (!server) return;
  // The header is in whole seconds.
  ahead = Math.abs(server - Date.now()) > 2000 ? server - Date.now() : 0;
}

export function localise(root = document) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(time.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    const thisYear = moment.getFullYear() === new Date().getFullYear();
    time.textContent = (thisYear ? shown : shownWithYear).format(moment);
    time.title = `${whole.format(moment)} (${offset.format(moment).split(", ").pop()}, ${zone})`;
  }
  grow(root);
}

function grow(root = document) {
  for (const span of root.querySelectorAll("[data-since]")) {
    span.textContent = inWords((now() - Date.parse(span.dataset.since)) / 1000);
  }
  for (const span of root.querySelectorAll("[data-until]")) {
    span.textContent = inWords((Date.parse(span.dataset.until) - now()) / 1000);
  }
}

localise();
setInterval(grow, 1000);
document.addEventListener("waybill:updated", () => localise());
for (const place of document.querySelectorAll("[data-zone]")) place.textContent = `Times in ${zone}`;
