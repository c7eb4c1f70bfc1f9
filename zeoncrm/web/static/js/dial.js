// Every number in the page is a button that calls it, and copies as E.164.

import { api, expectRefusal } from "./api.js";
import { learn } from "./calls.js";
import { all, on, toast } from "./dom.js";
import { text } from "./texts.js";

let isAsking = false;

export function startDial() {
  on("click", "[data-number]", (event, link) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    dial(link.dataset.number, link.dataset.dealId);
  });
  on("keydown", "a[data-number]", (event, link) => {
    if (event.key !== " ") return;
    event.preventDefault();
    link.click();
  });
  on("click", "[data-copy]", async (event, button) => {
    await navigator.clipboard.writeText(button.dataset.copy);
    toast(text("saved"), "good");
  });
  document.addEventListener("copy", copyNumbers);
}

/** Ask for a call; one at a time, so that an impatient second click does not ring twice. */
export async function dial(number, dealId) {
  if (isAsking) return false;
  isAsking = true;
  try {
    learn(await api("POST", "/calls", { number, ...(dealId && { deal_id: Number(dealId) }) }));
    return true;
  } catch (error) {
    expectRefusal(error);
    toast(text("notCalled", { reason: error.message }));
    return false;
  } finally {
    setTimeout(() => (isAsking = false), 800);
  }
}

function copyNumbers(event) {
  const selection = getSelection();
  if (!selection.rangeCount || selection.isCollapsed) return;
  const copied = selection.getRangeAt(0).cloneContents();
  const numbers = all("[data-number]", copied);
  const around = selection.anchorNode?.parentElement?.closest("[data-number]");
  if (!numbers.length && !around) return;
  for (const number of numbers) number.textContent = number.dataset.number;
  event.clipboardData.setData("text/plain", numbers.length ? copied.textContent.trim() : around.dataset.number);
  event.preventDefault();
}
