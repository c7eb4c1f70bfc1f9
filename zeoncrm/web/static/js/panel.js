// What a call is to the person who looks at it. Pure functions of the call and of who one is.

/** From the first ring to the end a panel only goes up these, unless the call comes back to who had left it. */
export const RANK = { ringing: 1, dialling: 1, unknown: 1, talking: 2, wrapup: 3, gone: 4 };
// The latest time that there is: of a call that nobody can come back to.
const NEVER_AGAIN = 8.64e15;

/**
 * How the call stands for this person, or null when it is none of theirs.
 * `me`: login, and extensions as [pbx, number], the pbx empty for every one.
 */
export function viewOf(call, me) {
  // A listed number's calls are nobody's work; one that a person here dials is theirs to follow.
  if (call.screened && call.direction === "inbound") return null;
  // Calls of a time when nobody listened are told all at once when the PBX is back: they are in the journal.
  if (call.source === "backfilled") return null;
  // It turned out to be part of another.
  if (call.into) return null;
  const own = call.legs.filter((leg) => isMine(leg.extension, call.pbx, me));
  const asked = call.direction === "outbound" && call.owner === me.login;
  const hasTalked = own.some((leg) => leg.answered_at);
  if (call.gone) return hasTalked ? "wrapup" : "gone";
  if (call.state === "ended") return hasTalked || asked ? "wrapup" : own.some((leg) => leg.rang_at) ? "gone" : null;
  if (own.some(talks)) return "talking";
  if (asked && call.state === "ringing") return "dialling";
  if (own.some(rings)) return "ringing";
  if (hasTalked) return "wrapup";
  return own.some((leg) => leg.rang_at) ? "gone" : null;
}

/** A leg that has answered and is there. One that had left and is called again has an answer, but no outcome yet. */
export const talks = (leg) => leg.outcome === "answered" && !leg.left_at;

const rings = (leg) => leg.rang_at && !leg.outcome && !leg.left_at;

/** When this person's part in the call ended, in milliseconds since 1970; 0 while it goes on. */
export function leftAt(call, me) {
  if (call.gone) return NEVER_AGAIN;
  const own = call.legs.filter((leg) => isMine(leg.extension, call.pbx, me));
  if (own.some((leg) => !leg.left_at)) return 0;
  return Math.max(...(own.length ? own.map((leg) => new Date(leg.left_at)) : [new Date(call.ended_at ?? 0)]));
}

/** Why a ringing call is gone: the name of a text, and the extension that answered. */
export function whyGone(call) {
  if (!call.answered_at) return [call.state === "ended" ? "gaveUp" : "ringsNoMore"];
  const talker = call.last_extension ?? call.answered_by;
  return talker ? ["answeredBy", talker] : ["answeredElsewhere"];
}

/** When this person's part in the conversation began. */
export function talkingSince(call, me) {
  return call.legs.find((leg) => leg.answered_at && isMine(leg.extension, call.pbx, me))?.answered_at ?? call.answered_at;
}

/** How long they talked, in seconds; null when they did not. */
export function talkedSeconds(call, me) {
  const leg = call.legs.find((each) => each.answered_at && isMine(each.extension, call.pbx, me));
  const end = leg?.left_at ?? call.ended_at;
  return leg && end ? Math.max(0, Math.round((new Date(end) - new Date(leg.answered_at)) / 1000)) : null;
}

/** The person's extension that has to do with the call. */
export function ownExtension(call, me) {
  return call.legs.find((leg) => isMine(leg.extension, call.pbx, me))?.extension ?? null;
}

/** The extensions of others at which it rings as well. */
export function ringsAlso(call, me) {
  return call.legs.filter((leg) => rings(leg) && !isMine(leg.extension, call.pbx, me)).map((leg) => leg.extension);
}

/** Whether this person has the caller on hold. */
export const hasOnHold = (call, me) => call.on_hold.some((hold) => isMine(hold.extension, call.pbx, me));

/** With whom this person speaks about the call while the caller waits; null when with nobody. */
export function ownConsult(call, me) {
  return call.consult && isMine(call.consult.extension, call.pbx, me) ? call.consult : null;
}

function isMine(extension, pbx, me) {
  return me.extensions.some(([where, number]) => number === extension && (where === "" || where === pbx));
}
