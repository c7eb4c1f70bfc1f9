// One click ignores or blocks the number of a call.

import { api, expectRefusal } from "./api.js";
import { on, toast } from "./dom.js";
import { text } from "./texts.js";

export function startListing() {
  on("click", "[data-list-as]", async (event, button) => {
    button.disabled = true;
    try {
      await api("POST", `/calls/${button.dataset.call}/list`, { listing: button.dataset.listAs });
      toast(text("listed"), "good");
      button.parentElement.hidden = true;
    } catch (error) {
      expectRefusal(error);
      button.disabled = false;
      toast(text("notDone", { reason: error.message }));
    }
    button.closest("details")?.removeAttribute("open");
  });
  // A menu goes when something else is clicked, or by Escape.
  document.addEventListener("click", (event) => close(event.target));
  document.addEventListener("keydown", (event) => event.key === "Escape" && close(null));
}

function close(clicked) {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(clicked)) menu.open = false;
}
