// The PBX page: how the links are, drawn anew every few seconds while somebody looks.

import { part } from "./api.js";
import { all, one, parsed } from "./dom.js";
import { onLive } from "./live.js";
import { showTimes } from "./times.js";

const EVERY = 3000;

export function startPbx() {
  if (!one("[data-pbx-live]")) return;
  setInterval(() => document.hidden || refresh(), EVERY);
  onLive("pbx.changed resync", refresh);
}

async function refresh() {
  const fresh = await part("/pbx").then(parsed, () => null);
  for (const block of all("[data-pbx-live]")) {
    const now = fresh && one(`#${block.id}`, fresh);
    if (!now) continue;
    showTimes(now.parentNode);
    block.replaceWith(now);
  }
}
