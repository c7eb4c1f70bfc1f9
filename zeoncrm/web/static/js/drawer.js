// The drawer over a page: a deal or a contact with its own address, so that it can be opened in a tab as well.

import { Refusal, part } from "./api.js";
import { on, one, parsed, toast } from "./dom.js";
import { showTimes } from "./times.js";

const place = one("#drawer-place");
const under = { path: location.pathname + location.search, title: document.title };
let opener = null;

/** The path of what is open, if anything is. */
export const openPath = () => one(".drawer", place)?.dataset.path ?? null;

/** The record that is open: in the drawer, or as the page itself. */
export const openRecord = () => one(".drawer .record", place) ?? one("main .record");

/** Open a record by its path. */
export async function openDrawer(path, { push = true } = {}) {
  let html;
  try {
    html = await part(path);
  } catch (error) {
    if (error instanceof Refusal && error.status) return location.assign(path);
    return toast(error.message);
  }
  if (!openPath()) opener = document.activeElement;
  const drawer = document.createElement("aside");
  drawer.className = "drawer";
  drawer.dataset.path = path;
  drawer.append(parsed(html));
  place.replaceChildren(drawer);
  window.htmx.process(drawer);
  showTimes(drawer);
  document.title = one(".record", drawer).dataset.title;
  if (push) history.pushState({ drawer: path }, "", path);
  one("[data-close-drawer]", drawer).focus();
}

function close({ back = true } = {}) {
  if (!openPath()) return;
  place.replaceChildren();
  document.title = under.title;
  if (back) history.pushState({}, "", under.path);
  opener?.isConnected && opener.focus({ preventScroll: true });
}

export function startDrawer() {
  on("click", "a[data-drawer]", (event, link) => {
    // A page that is itself a record has nothing below that a drawer could leave in sight.
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    openDrawer(link.getAttribute("href"));
  });
  on("click", ".drawer [data-close-drawer]", (event) => {
    event.preventDefault();
    close();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.defaultPrevented && openPath() && !one("dialog[open]")) close();
  });
  document.addEventListener("click", (event) => {
    // A click on the page below closes it; one that opens something else has done so already.
    if (openPath() && event.isTrusted && event.target.closest("main") && !event.target.closest("a, button, input, select, label, textarea"))
      close();
  });
  addEventListener("popstate", (event) => {
    if (event.state?.drawer) openDrawer(event.state.drawer, { push: false });
    else close({ back: false });
  });
}

/** The page below has another address now (its filter changed). */
export function setUnder(path) {
  under.path = path;
  if (!openPath()) history.replaceState(history.state, "", path);
}
