// The state of a live call on the cards of its deal: "● talking 2:10".

import { all, one } from "./dom.js";
import { liveCalls } from "./calls.js";
import { showTimes } from "./times.js";

export function showLiveCalls() {
  const byDeal = new Map();
  for (const call of liveCalls()) if (call.deal_id) byDeal.set(String(call.deal_id), call);
  for (const card of all("#board .card")) {
    const call = byDeal.get(card.dataset.deal);
    const mark = one(".card-live", card);
    mark.hidden = !call;
    card.classList.toggle("is-live", Boolean(call));
    if (!call) continue;
    for (const part of all("[data-live]", mark)) part.hidden = part.dataset.live !== call.state;
    one(".dot", mark).classList.toggle("dot-ringing", call.state === "ringing");
    one("time", mark).dateTime = call.answered_at ?? "";
    showTimes(mark);
  }
}
