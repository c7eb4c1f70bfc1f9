// Times in the browser's zone and the reader's language: <time datetime data-as="when|due|age|timer|there">.

import { all } from "./dom.js";
import { language, text } from "./texts.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STUCK_DAYS = 7;

const clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const utcClock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: "UTC" });
const day = new Intl.DateTimeFormat(language, { day: "numeric", month: "short" });
const dated = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", year: "numeric" });
const full = new Intl.DateTimeFormat(language, { dateStyle: "full", timeStyle: "short" });
const near = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
const units = ["day", "hour", "minute"].map((unit) => [
  unit,
  new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "short" }),
]);

const midnight = (at) => new Date(at.getFullYear(), at.getMonth(), at.getDate());
const daysFrom = (at) => Math.round((midnight(at) - midnight(new Date())) / DAY);

/** `today 15:00`, `tomorrow 10:00`, `2 Mar`, `2 Mar 2025`. */
function due(at) {
  const [days, now] = [daysFrom(at), new Date()];
  if (Math.abs(days) <= 1) return `${near.format(days, "day")} ${clock.format(at)}`;
  return (at.getFullYear() === now.getFullYear() ? day : dated).format(at);
}

/** `15:04` today, else as `due`, with the time while the day is not far. */
function when(at) {
  const days = Math.abs(daysFrom(at));
  if (days === 0) return clock.format(at);
  return days > 1 && days < 7 ? `${day.format(at)} ${clock.format(at)}` : due(at);
}

/** `now`, `5 min`, `3 hr`, `9 days`. */
function age(at) {
  const passed = Date.now() - at;
  if (passed < MINUTE) return text("now");
  const [index, length] = passed >= DAY ? [0, DAY] : passed >= HOUR ? [1, HOUR] : [2, MINUTE];
  return units[index][1].format(Math.floor(passed / length));
}

/** `2:10`, `1:02:03`. */
export function length(seconds) {
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

// How far the server's clock is before ours, so that timers begin at 0:00.
let ahead = 0;

/** Learn the server's time from an answer's date, which has whole seconds: less than two apart is in step. */
export function setServerTime(date) {
  const difference = date ? new Date(date) - Date.now() : 0;
  ahead = Math.abs(difference) > 2000 ? difference : 0;
}

const SHOW = {
  when: (_, at) => when(at),
  due(element, at) {
    const late = at < Date.now();
    const state = late ? "overdue" : daysFrom(at) === 0 ? "due" : "quiet";
    element.classList.remove("mark-overdue", "mark-due", "mark-quiet");
    element.classList.add(`mark-${state}`);
    return (late ? "! " : "") + due(at);
  },
  age(element, at) {
    const shown = age(at);
    const stuck = element.classList.contains("may-be-stuck") && Date.now() - at >= STUCK_DAYS * DAY;
    element.classList.toggle("stuck", stuck);
    return stuck ? text("daysInStage", { days: shown }) : shown;
  },
  // What clocks show now that are so many minutes ahead of UTC.
  there: (element) => utcClock.format(Date.now() + element.dataset.ahead * MINUTE),
  timer: (_, at) => length(Math.max(0, Math.floor((Date.now() + ahead - at) / 1000))),
};

/** Write the times below an element anew. */
export function showTimes(root = document, selector = "time[data-as][datetime]") {
  for (const element of all(selector, root)) {
    const at = new Date(element.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    const shown = SHOW[element.dataset.as](element, at);
    if (element.textContent !== shown) element.textContent = shown;
    if (!element.title && element.dataset.as !== "timer") element.title = full.format(at);
  }
}

/** The value of a datetime-local field for a time, and back (ISO 8601, UTC); empty is null. */
export function toLocalField(iso) {
  if (!iso) return "";
  const at = new Date(iso);
  return new Date(at - at.getTimezoneOffset() * MINUTE).toISOString().slice(0, 16);
}

export function fromLocalField(value) {
  return value ? new Date(value).toISOString() : null;
}

export function startClock() {
  showTimes();
  setInterval(() => showTimes(document, "time[data-as=timer][datetime]"), 1000);
  setInterval(() => showTimes(), 30_000);
  document.addEventListener("visibilitychange", () => document.hidden || showTimes());
}
