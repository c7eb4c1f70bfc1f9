// The stack of calls at one's own phone. New ones come on top, and nothing moves under the pointer.

import { isUp, liveCalls, onCall } from "./calls.js";
import { all, announce, one } from "./dom.js";
import { onLive } from "./live.js";
import { closeNotice, notify } from "./notify.js";
import { CallPanel } from "./call_panel.js";
import { RANK, leftAt, viewOf } from "./panel.js";
import { everybody, onPresence } from "./presence.js";
import { dropWrapup, isAway, keepWrapup, markSeen, onShared, putAway, unsee, wrapups } from "./shared.js";
import { text } from "./texts.js";

const ARRIVING = 400;
// More heads would reach beyond a phone's screen.
const MOST = 4;
const FADE_AFTER = 3000;
const FADE = 300;

const stack = one("#popups");
const panels = new Map();
let changes = 0;
// What stands before the page's own title.
let sign = "";

export const me = {
  login: document.body.dataset.login,
  extensions: JSON.parse(document.body.dataset.extensions),
};

export function startPopups() {
  onCall((call) => call && show(call));
  onLive("hello resync", () => wrapups().forEach(show));
  onLive("hello", () => {
    for (const panel of panels.values()) panel.saveWaiting();
  });
  onLive("resync", () => {
    for (const panel of panels.values()) panel.refresh();
  });
  addEventListener("beforeunload", (event) => {
    if ([...panels.values()].some((panel) => panel.isUnsaved)) event.preventDefault();
  });
  onLive("deal.created deal.moved deal.changed deal.gone note.written contact.changed", (message) => {
    for (const panel of panels.values()) panel.hear(message);
  });
  onPresence(() => {
    followExtensions();
    for (const panel of panels.values()) panel.hearPresence();
  });
  onShared(() => {
    for (const [id, panel] of panels) if (isPutAway(panel.call, panel.view)) remove(id);
    wrapups().forEach(show);
  });
  stack.addEventListener("pointerleave", tidy);
  stack.addEventListener("named", showTitle);
  wrapups().forEach(show);
}

/** Extensions may be given and taken away while the page is open. */
function followExtensions() {
  const people = everybody();
  const own = people.find((each) => each.login === me.login)?.phones ?? [];
  // A server that has just begun knows of nobody yet.
  if (!people.length || String(own) === String(me.extensions)) return;
  me.extensions = own;
  liveCalls().forEach(show);
}

function show(call) {
  const view = viewNow(call);
  const known = panels.get(call.id);
  if (RANK[view] !== 1) unsee(call.id);
  if (call.into) mergeInto(call, known);
  if (!view || isPutAway(call, view) || (!known && view === "gone")) return known && remove(call.id);
  if (view === "wrapup") keepWrapup(call);
  else if (view !== "gone") dropWrapup(call.id);
  const panel = known ?? add(call);
  const before = panel.view;
  panel.update(call, view);
  if (before === view) return;
  panel.changed = ++changes;
  if (view === "ringing") rang(panel);
  else closeNotice(call.id);
  if (view === "gone") setTimeout(() => panel.view === "gone" && remove(call.id), FADE_AFTER);
  if (!stack.matches(":hover")) arrange();
  showTitle();
}

/** Whether it still rings is not known while the PBX is away. */
function viewNow(call) {
  const view = viewOf(call, me);
  return RANK[view] === 1 && !isUp(call.pbx) ? "unknown" : view;
}

function mergeInto(call, panel) {
  dropWrapup(call.id);
  if (panel) (panels.get(call.into) ?? new CallPanel({ ...call, id: call.into }, me)).inherit(panel);
}

const isPutAway = (call, view) => isAway(call.id, RANK[view], leftAt(call, me));

function add(call) {
  const panel = new CallPanel(call, me, () => close(call.id));
  panels.set(call.id, panel);
  panel.element.classList.add("arriving");
  setTimeout(() => panel.element.classList.remove("arriving"), ARRIVING);
  stack.prepend(panel.element);
  return panel;
}

function rang(panel) {
  announce(text("ringingTitle", { name: panel.name }));
  if (!document.hidden) markSeen(panel.call.id);
  notify(panel);
}

function close(id) {
  const { call, view } = panels.get(id);
  putAway(id, RANK[view], leftAt(call, me));
  remove(id);
}

function remove(id) {
  const panel = panels.get(id);
  if (!panel) return;
  panels.delete(id);
  closeNotice(id);
  panel.element.classList.add("leaving");
  setTimeout(() => {
    if (stack.matches(":hover")) return;
    panel.element.remove();
    arrange();
  }, FADE);
  showTitle();
}

function tidy() {
  for (const element of all(".leaving", stack)) element.remove();
  arrange();
}

/** What goes on stands on top, what changed last first, and open; of some others the heads are shown, unless somebody is
 *  at work in them. */
function arrange() {
  const isLive = (panel) => panel.view !== "wrapup" && panel.view !== "gone";
  const inOrder = [...panels.values()].sort((a, b) => isLive(b) - isLive(a) || b.changed - a.changed);
  let left = 0;
  for (const [index, panel] of inOrder.entries()) {
    panel.fold(index > 0);
    panel.element.style.order = index;
    panel.element.hidden = index >= MOST && panel.view !== "talking" && panel.element.classList.contains("small");
    if (panel.element.hidden) left += 1;
  }
  const more = one("#popups-more");
  more.hidden = !left;
  more.textContent = text("andMore", { count: left });
}

/** The tab's title says that it rings. */
function showTitle() {
  const ringing = [...panels.values()].find((panel) => panel.view === "ringing");
  // Not by its looks: a caller may be called anything.
  const title = document.title.startsWith(sign) ? document.title.slice(sign.length) : document.title;
  sign = ringing ? `● ${ringing.name} — ` : "";
  document.title = sign + title;
}
