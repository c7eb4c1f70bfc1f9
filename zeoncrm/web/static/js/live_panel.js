// The supervisor's live panel. Rows stay where they are while they last, so that nothing moves under the pointer; of a
// PBX that is not connected nothing is shown, since nothing is known.

import { api, expectRefusal } from "./api.js";
import { isUp, links, liveCalls, onCall } from "./calls.js";
import { all, on, one, toast } from "./dom.js";
import { onLive } from "./live.js";
import { talks } from "./panel.js";
import { everybody, fewNames, isAt, nameAt, onPresence, showMarks, standing } from "./presence.js";
import { text } from "./texts.js";
import { showTimes } from "./times.js";

const MOST_CALLS = 300;
const SURE_WITHIN = 4000;
const queues = new Map();
let isDue = false;

export function startLivePanel() {
  if (!one("#live")) return;
  onLive("hello", (message) => {
    if (message.queues) {
      queues.clear();
      for (const queue of message.queues) take(queue);
    }
    draw();
  });
  onLive("pbx.changed", draw);
  onLive("queue.changed", ({ queue, gone }) => {
    if (gone) queues.delete(keyOf(queue));
    else take(queue);
    draw();
  });
  onCall(draw);
  onPresence(draw);
  on("click", "[data-end-call]", (event, button) => endCall(button));
}

const keyOf = ({ pbx, name }) => `${pbx}/${name}`;
const take = (queue) => queues.set(keyOf(queue), queue);

/** Once for all that changes before the next picture. */
function draw() {
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(() => {
    isDue = false;
    const calls = liveCalls().filter((call) => isUp(call.pbx));
    drawAway();
    drawQueues(calls);
    drawCalls(calls);
    drawPeople(calls);
    showTimes(one("#live"));
  });
}

function drawAway() {
  const away = [...links.keys()].filter((name) => !isUp(name));
  const words = away.length ? text("pbxAway", { name: away.join(", ") }) : links.size ? "" : text("noPbx");
  const box = one("#live-away");
  if (box.textContent !== words) box.textContent = words;
}

function drawQueues(calls) {
  const byId = new Map(calls.map((call) => [call.id, call]));
  const shown = [...queues.values()].filter((queue) => isUp(queue.pbx));
  const longest = ({ waiting }) => (waiting.length ? Date.parse(waiting[0].since) : Infinity);
  shown.sort((a, b) => longest(a) - longest(b) || a.name.localeCompare(b.name));
  keyed(one("[data-list=queues]"), shown, keyOf, "live-queue", (row, queue) => {
    write(row, "name", links.size > 1 ? `${queue.name} · ${queue.pbx}` : queue.name);
    write(row, "count", queue.count);
    write(row, "members", membersOf(queue));
    const more = queue.count - queue.waiting.length;
    one("[data-slot=more]", row).hidden = !more;
    write(row, "more", text("andMore", { count: more }));
    const key = (each) => each.call_id ?? `${each.since} ${each.number_raw}`;
    keyed(one("[data-list=waiting]", row), queue.waiting, key, "live-waiter", (line, each) => {
      const call = byId.get(each.call_id);
      writeWho(line, call ?? each);
      one("[data-slot=since]", line).dateTime = each.since;
    });
  });
  const count = shown.reduce((sum, queue) => sum + queue.count, 0);
  total("waiting", count);
}

/** `free: 2 of 5 · paused: 1`; a queue that nobody is a member of says so. */
function membersOf({ members, pbx }) {
  if (!members.length) return text("noMembers");
  const isFree = ({ extension }) => everybody().some((each) => each.state === "free" && isAt(each, extension, pbx));
  const free = members.filter((each) => !each.paused && isFree(each)).length;
  const paused = members.filter((each) => each.paused).length;
  const words = text("membersFree", { free, members: members.length });
  return paused ? `${words} · ${text("membersPaused", { paused })}` : words;
}

function drawCalls(calls) {
  const shown = calls.sort((a, b) => (a.started_at < b.started_at ? -1 : 1)).slice(0, MOST_CALLS);
  keyed(one("[data-list=calls]"), shown, (call) => call.id, "live-call", (row, call) => {
    const held = heldSince(call);
    showMarks(row, held ? "held" : call.state);
    row.dataset.call = call.id;
    one("[data-slot=since]", row).dateTime = held ?? call.answered_at ?? call.started_at;
    const use = one("[data-slot=direction]", row);
    use.setAttribute("href", use.dataset[call.direction]);
    writeWho(row, call);
    const facts = [call.queue && text("queue", { name: call.queue }), call.did && text("line", { number: call.did_national })];
    write(row, "meta", facts.filter(Boolean).join(" · "));
    write(row, "with", withWhom(call));
  });
  total("calls", calls.length);
}

/** Since when the caller hears nobody of ours: all who talk with them have them on hold. */
function heldSince({ legs, on_hold: holds }) {
  const talking = legs.filter(talks);
  return talking.length === holds.length ? holds.map((each) => each.since).sort().at(-1) : undefined;
}

/** Who talks; while nobody does, at whom it rings; and whom they ask. */
function withWhom(call) {
  const open = call.legs.filter((leg) => !leg.left_at);
  const talking = open.filter(talks);
  const few = fewNames((talking.length ? talking : open).map((leg) => leg.extension), call.pbx);
  return call.consult ? text("asks", { name: few, other: nameAt(call.consult.other, call.pbx) }) : few;
}

function drawPeople(calls) {
  const shown = everybody().sort((a, b) => a.name.localeCompare(b.name));
  keyed(one("[data-list=people]"), shown, (each) => each.login, "live-person", (row, each) => {
    showMarks(row, standing(each));
    write(row, "name", each.name);
    write(row, "extension", each.extensions.join(", "));
    const call = calls.find(({ legs, pbx }) => legs.some((leg) => talks(leg) && isAt(each, leg.extension, pbx)));
    write(row, "with", call ? whoOf(call)[0] : "");
    const since = one("[data-slot=since]", row);
    since.hidden = each.state === "unknown";
    since.dateTime = each.on_hold_since ?? each.since;
  });
  total("people", shown.length);
  const free = shown.filter((each) => each.state === "free").length;
  one("#live-sum").textContent = text("liveSum", { free, people: shown.length, calls: calls.length });
}

const whoOf = (call) => {
  const number = call.number_national ?? "";
  const name = call.contact || call.caller_name;
  return name && name !== number ? [name, number] : [number || text("withheld"), ""];
};

function writeWho(row, call) {
  const [name, number] = whoOf(call);
  write(row, "name", name);
  write(row, "number", number);
}

function write(row, slot, words) {
  const element = one(`[data-slot=${slot}]`, row);
  if (element.textContent !== String(words)) element.textContent = words;
}

function total(name, count) {
  one(`[data-count=${name}]`).textContent = count || "";
  const isKnown = [...links.keys()].some(isUp) || name === "people";
  one(`[data-none=${name}]`).hidden = count > 0 || !isKnown || (name === "waiting" && one("[data-list=queues]").childElementCount > 0);
}

/** Make the list's rows those of the items, in their order; a row that goes on stays the same element. */
function keyed(list, items, keyed_by, template, fill) {
  const rows = new Map([...list.children].map((row) => [row.dataset.key, row]));
  const wanted = items.map((item) => {
    const key = keyed_by(item);
    const row = rows.get(key) ?? one(`#${template}`).content.firstElementChild.cloneNode(true);
    rows.delete(key);
    row.dataset.key = key;
    fill(row, item);
    return row;
  });
  for (const row of rows.values()) row.remove();
  for (const [index, row] of wanted.entries()) if (list.children[index] !== row) list.insertBefore(row, list.children[index] ?? null);
}

/** A second click ends it: somebody's conversation is at stake. */
async function endCall(button) {
  const words = one("[data-slot=end]", button);
  if (!button.classList.contains("button-end")) {
    const before = words.textContent;
    button.classList.add("button-end");
    words.textContent = text("endSurely");
    setTimeout(() => {
      button.classList.remove("button-end");
      words.textContent = before;
    }, SURE_WITHIN);
    return;
  }
  button.disabled = true;
  try {
    await api("POST", `/calls/${button.closest("[data-call]").dataset.call}/hangup`);
  } catch (error) {
    expectRefusal(error);
    toast(text("notDone", { reason: error.message }));
  } finally {
    button.disabled = false;
  }
}
