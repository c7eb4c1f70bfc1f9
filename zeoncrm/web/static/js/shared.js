// What the tabs of one person know together: which panels were put away, and which wrap-ups are still to do.

const login = document.body.dataset.login;
const KEY = `zeoncrm.panels.${login}`;
const KEPT = 24 * 3600 * 1000;

function read() {
  try {
    return { away: {}, wrapups: {}, seen: {}, ...JSON.parse(localStorage.getItem(KEY)) };
  } catch {
    return { away: {}, wrapups: {}, seen: {} };
  }
}

function change(edit) {
  const state = read();
  edit(state);
  const old = Date.now() - KEPT;
  for (const kept of [state.away, state.wrapups, state.seen]) {
    for (const [id, value] of Object.entries(kept)) if (value.at < old) delete kept[id];
  }
  localStorage.setItem(KEY, JSON.stringify(state));
}

/** Put a call's panel away in every tab; it comes back only with a later view, or with the call. `left`: when the
 *  person's part in the call had ended, 0 while it goes on. */
export function putAway(id, rank, left) {
  change((state) => {
    state.away[id] = { rank, left, at: Date.now() };
    if (rank >= 3) delete state.wrapups[id];
  });
}

/** Whether the panel of this view was put away. */
export function isAway(id, rank, left) {
  const away = read().away[id];
  if (!away) return false;
  // The part in which it was put away is over: with the next one it is there again.
  if (left && !away.left && away.rank < rank) change((state) => delete state.away[id]);
  return away.left ? 0 < left && left <= away.left : away.rank >= rank;
}

/** Keep a call whose wrap-up is to be done: it outlives the page. */
export const keepWrapup = (call) => change((state) => (state.wrapups[call.id] = { at: Date.now(), ...state.wrapups[call.id], call }));

/** The call has come back: there is nothing to wrap up yet. */
export function dropWrapup(id) {
  if (id in read().wrapups) change((state) => delete state.wrapups[id]);
}

export const wrapups = () => Object.values(read().wrapups).map((kept) => kept.call);

/** Somebody who sees a tab has seen the ring: the hidden ones need not tell. */
export const markSeen = (id) => change((state) => (state.seen[id] = { at: Date.now() }));
export const isSeen = (id) => id in read().seen;

/** It rings no more: the next ring is another. */
export function unsee(id) {
  if (isSeen(id)) change((state) => delete state.seen[id]);
}

/** Call the function when another tab has changed something. */
export function onShared(listener) {
  addEventListener("storage", (event) => event.key === KEY && listener());
}

/** What is on this computer of somebody's calls goes with their log-out. */
export function startForgetting() {
  document.addEventListener("submit", (event) => {
    if (event.target.matches("[data-forget]")) localStorage.removeItem(KEY);
  });
}
