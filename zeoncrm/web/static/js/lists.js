// Lists that follow what happens, keep their filter in the address, and are gone through with the arrow keys.

import { part } from "./api.js";
import { all, isWriting, on, one, parsed, settled } from "./dom.js";
import { setUnder } from "./drawer.js";
import { onLive } from "./live.js";
import { showTimes } from "./times.js";

const REFRESH_AFTER = 300;

export function startLists() {
  const list = one("#list[data-reload]");
  if (!list) return;
  const refresh = settled(REFRESH_AFTER, reload);
  onLive(`${list.dataset.reload} resync`, refresh);
  document.addEventListener("htmx:configRequest", (event) => {
    if (event.target.matches("form[data-address]")) setUnder(address(event.target));
  });
  on("change", "input[type=date]", (event, input) => {
    const zone = input.form?.elements.zone;
    if (zone) zone.value = input.value ? new Date(`${input.value}T00:00`).getTimezoneOffset() : 0;
  });
  one("#page").addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || isWriting(event.target)) return;
    const links = all("#list .row-link");
    const next = links[links.indexOf(document.activeElement) + step];
    if (!next) return;
    event.preventDefault();
    next.focus();
  });
}

function address(form) {
  const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value !== "" && value !== "0"));
  return form.getAttribute("action") + (String(query) && `?${query}`);
}

/** The first page anew, unless the person is far down in the list. */
async function reload() {
  const list = one("#list");
  if (list.scrollTop > 40 || list.contains(document.activeElement) || one(".player[open]", list)) return;
  const form = one("form[data-address]");
  let fresh;
  try {
    fresh = one("#list", parsed(await part(form ? address(form) : location.pathname)));
  } catch {
    return;
  }
  if (!list.isConnected) return;
  list.replaceWith(fresh);
  window.htmx.process(fresh);
  showTimes(fresh);
}
