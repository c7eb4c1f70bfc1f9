// The browser's own notification of a call, while no tab of ours is looked at.

import { all, on, one, toast } from "./dom.js";
import { isSeen } from "./shared.js";
import { text } from "./texts.js";

const WAIT = 350;
const shown = new Map();

const isPossible = () => "Notification" in window;

/** Whether it makes sense to offer notifications. */
export const mayAsk = () => isPossible() && Notification.permission === "default";

/** Ask the person for leave; only ever on a click of theirs. */
export async function askToNotify() {
  const answer = isPossible() ? await Notification.requestPermission() : "denied";
  if (answer === "granted") toast(text("notificationsOn"), "good");
  else toast(text("notificationsOff"));
}

/** Tell of a ringing call, once for all tabs, unless one of them is being looked at. */
export function notify(panel) {
  if (!document.hidden || !isPossible() || Notification.permission !== "granted") return;
  setTimeout(() => {
    if (!document.hidden || isSeen(panel.call.id) || panel.view !== "ringing") return;
    const meta = one("[data-slot=meta]", panel.element).textContent;
    const notice = new Notification(text("ringingTitle", { name: panel.name }), { body: meta, tag: panel.call.id });
    notice.onclick = () => {
      window.focus();
      notice.close();
    };
    shown.set(panel.call.id, notice);
  }, WAIT);
}

export function closeNotice(id) {
  shown.get(id)?.close();
  shown.delete(id);
}

export function startNotices() {
  on("click", "[data-ask-notifications]", askToNotify);
  if (!mayAsk()) for (const button of all("[data-ask-notifications]")) button.hidden = true;
}
