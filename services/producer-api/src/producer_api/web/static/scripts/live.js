// Keeps a page up to date: what the server would render now takes the place of what has changed.
//
//   <main data-live="poll" data-seconds="3">            asks every three seconds, while the page is seen
//   <main data-live="events" data-events="/…/events">   asks when the report's stream has something new; with
//                                                       data-seconds also from time to time, for what is no event
//
// Of the answer, elements with an id and `data-part` are taken. A person's own state stays: focus, what is typed
// or chosen, which details are open; and what a script shows by itself, marked with data-own.
import { setServerTime } from "./times.js";

const main = document.querySelector("[data-live]");
const connection = document.getElementById("connection");
const policy = globalThis.trustedTypes?.createPolicy("waybill", { createHTML: (html) => html }) ?? { createHTML: (html) => html };
// The one place where HTML is read: it is what this server has rendered for this page.
const parse = (html) => new DOMParser().parseFromString(policy.createHTML(html), "text/html");

const PATIENCE = 8000; // milliseconds, until a server that does not answer counts as away
let took = 0;
let etag = null;
let running = false;
let again = false;
let refused = false; // The server answers, but not with this page.

/** Renders this page as the server has it now. */
export async function refresh() {
  if (running) {
    again = true;
    return;
  }
  running = true;
  try {
    const headers = { Accept: "text/html", ...(etag && { "If-None-Match": etag }) };
    const began = performance.now();
    // A page that has no session any more is sent to its issuer, where no script may look.
    const answer = await fetch(location.href, { headers, cache: "no-store", redirect: "manual", signal: AbortSignal.timeout(PATIENCE) });
    setServerTime(answer.headers.get("Date"));
    if (answer.status === 200) {
      took = performance.now() - began;
      etag = answer.headers.get("ETag");
      replaceParts(parse(await answer.text()));
      sayItIsHere();
    } else if (answer.status === 304) {
      sayItIsHere();
    } else {
      const reason = answer.type === "opaqueredirect" ? "out" : REFUSALS[answer.status];
      refused = reason !== undefined;
      say(reason ?? "lost");
    }
  } catch {
    say("lost");
  } finally {
    running = false;
  }
  if (again) {
    again = false;
    schedule(500);
  }
}

function sayItIsHere() {
  say(isLive() ? "live" : "ended");
  if (!refused) return;
  refused = false;
  if (main.dataset.live === "events") listen();
}

let scheduled = null;
export function schedule(milliseconds = 200) {
  // A page that is slow to make is made more seldom.
  scheduled ??= setTimeout(() => {
    scheduled = null;
    refresh();
  }, Math.max(milliseconds, Math.min(took, 1500)));
}

const WORDS = { live: "Live", lost: "Reconnecting…", ended: "Ended", out: "Signed out: reload to sign in", barred: "Not allowed any more", gone: "Not here any more" };
const REFUSALS = { 401: "out", 403: "barred", 404: "gone", 410: "gone" };
function say(state) {
  if (!connection) return;
  connection.classList.toggle("live", state === "live");
  connection.classList.toggle("lost", !["live", "ended"].includes(state));
  const words = WORDS[state];
  if (connection.textContent !== words) connection.textContent = words;
}

function replaceParts(page) {
  const focused = document.activeElement;
  for (const part of document.querySelectorAll("[data-part][id]")) {
    const next = page.getElementById(part.id);
    if (next) morph(part, next);
  }
  for (const name of ["live", "events", "seconds"]) {
    const next = page.querySelector("[data-live], main")?.dataset[name];
    if (next === undefined) delete main.dataset[name];
    else main.dataset[name] = next;
  }
  // A section that is moved, as when a report ends, loses the focus.
  if (focused !== document.activeElement && focused?.isConnected) focused.focus({ preventScroll: true });
  document.title = page.title;
  document.dispatchEvent(new CustomEvent("waybill:updated"));
}

/** Makes `old` like `next`, with as few changes as there are. */
export function morph(old, next) {
  if (old.isEqualNode(next) || old.dataset?.own !== undefined) return;
  // Open for a reason that has come now, such as a failure.
  if (next.matches?.("details[data-opened]") && old.dataset.opened === undefined) old.open = true;
  for (const { name } of [...old.attributes]) if (!next.hasAttribute(name) && !isOwn(old, name)) old.removeAttribute(name);
  for (const { name, value } of next.attributes) if (old.getAttribute(name) !== value && !isOwn(old, name)) old.setAttribute(name, value);
  if (old.dataset?.keep !== undefined || old.matches?.("input, select, textarea")) return;
  const keyed = new Map([...old.children].filter(idOf).map((child) => [idOf(child), child]));
  let place = old.firstChild;
  for (const node of [...next.childNodes]) {
    const known = idOf(node) && keyed.get(idOf(node));
    if (known) {
      if (known !== place) old.insertBefore(known, place);
      else place = place.nextSibling;
      morph(known, node);
    } else if (place && isAlike(place, node) && !keyed.has(idOf(place))) {
      const current = place;
      place = place.nextSibling;
      if (current.nodeType === Node.ELEMENT_NODE) morph(current, node);
      else if (current.data !== node.data) current.data = node.data;
    } else {
      old.insertBefore(document.importNode(node, true), place);
    }
  }
  while (place) {
    const rest = place;
    place = place.nextSibling;
    rest.remove();
  }
}

// Not `node.id`: of a form with a field called "id", that is the field.
const idOf = (node) => node.getAttribute?.("id") ?? "";
const isAlike = (one, other) => one.nodeType === other.nodeType && one.nodeName === other.nodeName && idOf(one) === idOf(other);
const isOwn = (element, name) => (name === "open" && element.matches("details, dialog")) || (["checked", "value"].includes(name) && element.matches("input")) || (name === "hidden" && element.hasAttribute("data-shown"));

const isLive = () => ["poll", "events"].includes(main?.dataset.live);

function poll() {
  if (!isLive()) return;
  setTimeout(async () => {
    if (!document.hidden) await refresh();
    poll();
  }, 1000 * (Number(main.dataset.seconds) || 3));
}

// A browser opens few connections to one server: a page that is not seen has no stream.
let stream = null;
function listen() {
  if (document.hidden || stream?.readyState < EventSource.CLOSED) return;
  stream = new EventSource(main.dataset.events);
  for (const name of ["status", "step", "log", "message"]) stream.addEventListener(name, () => schedule());
  stream.onopen = () => {
    say("live");
    schedule();
  };
  stream.onerror = () => {
    if (main.dataset.live !== "events") {
      // It has ended, and the page needs no other one.
      stream.close();
      return;
    }
    if (!refused) say("lost");
    if (stream.readyState !== EventSource.CLOSED) return;
    // Refused, as when there are too many streams: the page asks from time to time.
    setTimeout(async () => {
      await refresh();
      if (main.dataset.live === "events" && !refused) listen();
    }, 3000);
  };
}

document.addEventListener("waybill:updated", () => {
  // What is shown has ended: a stream that is left open would begin again.
  if (!isLive()) stream?.close();
});
document.addEventListener("visibilitychange", async () => {
  if (document.hidden) {
    stream?.close();
    return;
  }
  if (isLive()) await refresh();
  if (main.dataset.live === "events" && !refused) listen();
});
if (main?.dataset.live === "poll") say("live");
if (main?.dataset.live === "events") listen();
if (main?.dataset.live === "poll" || main?.dataset.seconds) poll();
