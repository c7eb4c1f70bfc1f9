// The live socket: comes back by itself, asks for what it missed, and says so when it can't.

import { one } from "./dom.js";

const FIRST_WAIT = 500;
const LONGEST_WAIT = 15_000;
const BANNER_AFTER = 2_500;
const PROBE_AFTER = 45_000;
const PROBE_LIMIT = 6_000;
// Why the server closes: the session is over; the person's rights are others now.
const FOR_GOOD = [4401, 4403];

const listeners = new Map();
let socket = null;
let last = null;
let wait = FIRST_WAIT;
let banner = null;
let probe;

/** Call the function with each message of these types; `*` is every message. */
export function onLive(types, listener) {
  for (const type of types.split(" ")) {
    listeners.set(type, [...(listeners.get(type) ?? []), listener]);
  }
}

/** Keep a socket open for as long as the page lives. */
export function startLive() {
  connect();
  addEventListener("online", () => socket || connect());
  addEventListener("offline", () => lost(socket));
  addEventListener("pageshow", (event) => event.persisted && !socket && connect());
  document.addEventListener("visibilitychange", () => document.hidden || socket || connect());
}

function connect() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const opened = new WebSocket(`${scheme}://${location.host}/api/v1/live${last === null ? "" : `?after=${last}`}`);
  socket = opened;
  let stood = false;
  opened.onopen = () => {
    stood = true;
    wait = FIRST_WAIT;
    showBanner(false);
    probeLater();
  };
  opened.onmessage = (event) => {
    probeLater();
    receive(JSON.parse(event.data));
  };
  opened.onclose = (event) => {
    if (FOR_GOOD.includes(event.code)) return location.reload();
    lost(opened);
    if (!stood) leaveIfOver();
  };
}

// A browser is not told why a socket is refused: the session may have ended while there was no connection.
async function leaveIfOver() {
  const answer = await fetch("/api/v1/me", { cache: "no-store" }).catch(() => null);
  if (answer?.status === 401) location.reload();
}

function lost(which) {
  if (!which || socket !== which) return;
  socket = null;
  which.close();
  clearTimeout(probe);
  showBanner(true);
  setTimeout(() => socket || connect(), wait * (0.75 + Math.random() / 2));
  wait = Math.min(wait * 2, LONGEST_WAIT);
}

// A link that died without a word looks like a quiet one: after a long silence, see whether the server is there.
function probeLater() {
  clearTimeout(probe);
  probe = setTimeout(async () => {
    const asked = socket;
    try {
      await fetch("/healthz", { cache: "no-store", signal: AbortSignal.timeout(PROBE_LIMIT) });
      probeLater();
    } catch {
      lost(asked);
    }
  }, PROBE_AFTER);
}

function receive(message) {
  if (Number.isInteger(message.id)) last = message.id;
  for (const listener of [...(listeners.get(message.type) ?? []), ...(listeners.get("*") ?? [])]) {
    try {
      listener(message);
    } catch (error) {
      // One part of the page that fails must not silence the others.
      console.error(error);
    }
  }
}

// A link that is back within a moment is not worth a word.
function showBanner(isLost) {
  if (isLost) banner ??= setTimeout(() => (one("#link-banner").hidden = false), BANNER_AFTER);
  else {
    clearTimeout(banner);
    banner = null;
    one("#link-banner").hidden = true;
  }
}
