// Dragging cards by mouse and finger (SortableJS).

import { all } from "./dom.js";
import { columnOf, moveCard, setDragging, showTrue, showWould } from "./board.js";

const isStill = matchMedia("(prefers-reduced-motion: reduce)");

/** Make the lists of the board take cards. */
export function prepareDragging() {
  for (const list of all("#board .cards")) {
    if (list.dataset.sortable) continue;
    list.dataset.sortable = "yes";
    new window.Sortable(list, {
      group: "board",
      draggable: ".card",
      filter: ".card-call",
      preventOnFilter: false,
      sort: false,
      animation: isStill.matches ? 0 : 120,
      forceFallback: true,
      fallbackOnBody: true,
      fallbackTolerance: 5,
      delay: 180,
      delayOnTouchOnly: true,
      touchStartThreshold: 6,
      scroll: true,
      bubbleScroll: true,
      scrollSensitivity: 60,
      ghostClass: "placeholder",
      fallbackClass: "dragged",
      onStart: () => setDragging(true),
      onMove: (event) => showWould(event.dragged, columnOf(event.to)),
      onEnd: dropped,
    });
  }
}

function dropped({ item, from, to }) {
  setDragging(false);
  // A click ends a drag in some browsers: it is not meant to open the deal.
  if (from !== to) addEventListener("click", swallow, { capture: true, once: true });
  setTimeout(() => removeEventListener("click", swallow, { capture: true }), 50);
  if (from === to) return showTrue();
  moveCard(item, columnOf(to));
}

function swallow(event) {
  if (event.target.closest?.(".card")) {
    event.preventDefault();
    event.stopPropagation();
  }
}
