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

/** Put a call's panel away in every tab; it comes back only with a later view. */
export function putAway(id, rank) {
  change((state) => {
    state.away[id] = { rank, at: Date.now() };
    if (rank >= 3) delete state.wrapups[id];
  });
}

/** Whether the panel of this view was put away. */
export const isAway = (id, rank) => (read().away[id]?.rank ?? 0) >= rank;

/** Keep a call whose wrap-up is to be done: it outlives the page. */
export function keepWrapup(call) {
  if (!isAway(call.id, 3)) change((state) => (state.wrapups[call.id] ??= { call, at: Date.now() }));
}

export const wrapups = () => Object.values(read().wrapups).map((kept) => kept.call);

/** Somebody who sees a tab has seen the ring: the hidden ones need not tell. */
export const markSeen = (id) => change((state) => (state.seen[id] = { at: Date.now() }));
export const isSeen = (id) => id in read().seen;

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
