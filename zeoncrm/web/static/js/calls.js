// The calls in progress, as the live socket tells of them.

import { onLive } from "./live.js";

const calls = new Map();

/** The links to the PBXs, by name. */
export const links = new Map();
/** Whether the link to the PBX is up: else nothing is known of what goes on there. */
export const isUp = (pbx) => links.get(pbx)?.state === "up";

const listeners = [];

/** The calls that have not ended. */
export const liveCalls = () => [...calls.values()].filter((call) => call.state !== "ended");

/** Call the function with each call that is new or has changed; null: all may have. */
export const onCall = (listener) => listeners.push(listener);

export function startCalls() {
  onLive("hello", (message) => {
    links.clear();
    for (const [name, link] of Object.entries(message.pbx)) links.set(name, link);
    if (!message.calls) return;
    const known = [...calls.values()];
    calls.clear();
    for (const call of message.calls) calls.set(call.id, call);
    tell(null);
    // What was known and is not among the calls in progress any more has ended while the link was away.
    for (const call of known) if (!calls.has(call.id) && call.state !== "ended") tell({ ...call, gone: true });
    for (const call of message.calls) tell(call);
  });
  onLive("pbx.changed", ({ pbx }) => {
    links.set(pbx.name, pbx);
    liveCalls().forEach(tell);
  });
  onLive("call.rang call.answered call.changed call.ended", (message) => take(message.call));
  onLive("call.dropped", (message) => {
    const call = calls.get(message.call_id);
    calls.delete(message.call_id);
    if (call) tell({ ...call, into: message.into });
  });
}

/** Take over a call that the API answered with, unless the socket told of it already: its word is the newer one. */
export function learn(call) {
  if (!calls.has(call.id)) take(call);
}

function take(call) {
  // A call that has ended does not live again.
  if (calls.get(call.id)?.state === "ended") return;
  calls.set(call.id, call);
  tell(call);
  if (call.state === "ended") setTimeout(() => calls.delete(call.id), 60_000);
}

function tell(call) {
  for (const listener of listeners) listener(call);
}
