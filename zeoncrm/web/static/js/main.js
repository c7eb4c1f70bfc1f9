// What every page of somebody who is logged in runs.

import { startBoard } from "./board.js";
import { prepareDragging } from "./board_drag.js";
import { startBoardKeys } from "./board_keys.js";
import { onCall, startCalls } from "./calls.js";
import { startDial } from "./dial.js";
import { startDialogs } from "./dialogs.js";
import { all, isWriting, one, toast } from "./dom.js";
import { startDrawer } from "./drawer.js";
import { startLamp } from "./lamp.js";
import { startListing } from "./listing.js";
import { startLists } from "./lists.js";
import { startLive } from "./live.js";
import { showLiveCalls } from "./live_cards.js";
import { startNotices } from "./notify.js";
import { startPbx } from "./pbx.js";
import { startLivePanel } from "./live_panel.js";
import { startPopups } from "./popup.js";
import { startPresence } from "./presence.js";
import { startRecord } from "./record.js";
import { startForgetting } from "./shared.js";
import { text } from "./texts.js";
import { showTimes, startClock } from "./times.js";

startClock();
startDialogs();
startDrawer();
startRecord();
startDial();
startNotices();
startForgetting();
startLamp();
startPbx();
startLists();
startListing();
startPresence();
startCalls();
startPopups();
startLivePanel();
onCall(showLiveCalls);
startBoard(prepareDragging);
startBoardKeys();
startLive();

// On a phone the tabs are wider than the page: the open one is to be seen.
one(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

document.addEventListener("htmx:load", (event) => showTimes(event.detail.elt.parentElement ?? document));

document.addEventListener("htmx:responseError", () => toast(text("failed")));
document.addEventListener("htmx:sendError", () => toast(text("offline")));

// One key for what is done most: `/` searches, `n` makes something new.
document.addEventListener("keydown", (event) => {
  if (isWriting() || event.ctrlKey || event.metaKey || event.altKey || one("dialog[open]")) return;
  const target = all(`[data-key="${CSS.escape(event.key)}"]`)[0];
  if (!target) return;
  event.preventDefault();
  target.matches("input") ? target.focus() : target.click();
});

// A form that was refused by the server opens again.
for (const dialog of all("dialog[data-open]")) dialog.show();
