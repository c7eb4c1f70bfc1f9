// The board by keyboard: arrows go from card to card; space lifts one, arrows choose a stage, space drops it.

import { all, announce, one } from "./dom.js";
import { columnOf, columns, listOf, moveCard, setDragging, showTrue, showWould } from "./board.js";
import { text } from "./texts.js";

let lifted = null;

export function startBoardKeys() {
  const page = one("#page");
  page.addEventListener("keydown", (event) => {
    const link = event.target.closest?.(".card-link");
    if (!link || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = (lifted ? WHEN_LIFTED : WHEN_NOT)[event.key];
    if (!act) return;
    event.preventDefault();
    act(link.closest(".card"));
  });
  page.addEventListener("focusout", (event) => {
    if (lifted && !lifted.card.contains(event.relatedTarget) && event.relatedTarget) putBack();
  });
}

const WHEN_NOT = {
  ArrowDown: (card) => focusCard(sibling(card, 1)),
  ArrowUp: (card) => focusCard(sibling(card, -1)),
  ArrowRight: (card) => focusCard(inNextColumn(card, 1)),
  ArrowLeft: (card) => focusCard(inNextColumn(card, -1)),
  " ": lift,
};

const WHEN_LIFTED = {
  ArrowRight: () => choose(1),
  ArrowLeft: () => choose(-1),
  ArrowUp: () => {},
  ArrowDown: () => {},
  " ": drop,
  Enter: drop,
  Escape: putBack,
};

function lift(card) {
  lifted = { card, target: columnOf(card) };
  setDragging(true);
  card.classList.add("lifted");
  announce(text("lifted", { title: card.dataset.title, stage: columnOf(card).dataset.name }));
}

function choose(step) {
  const shown = columns();
  const index = Math.min(shown.length - 1, Math.max(0, shown.indexOf(lifted.target) + step));
  lifted.target = shown[index];
  showWould(lifted.card, lifted.target);
  lifted.target.scrollIntoView({ block: "nearest", inline: "nearest" });
  const count = one(".column-count", lifted.target).textContent;
  announce(text("over", { title: lifted.card.dataset.title, stage: lifted.target.dataset.name, count }));
}

function drop() {
  const { card, target } = release();
  moveCard(card, target).then(() => focusCard(one(`#deal-${card.dataset.deal}`) ?? one(".column-toggle", target)));
  focusCard(card);
}

function putBack() {
  const { card } = release();
  showTrue();
  announce(text("putBack", { title: card.dataset.title, stage: columnOf(card).dataset.name }));
}

function release() {
  const held = lifted;
  lifted = null;
  held.card.classList.remove("lifted");
  setDragging(false);
  return held;
}

function sibling(card, step) {
  const cards = all(".card", listOf(columnOf(card)));
  return cards[cards.indexOf(card) + step];
}

/** The card at the same height in the next column that has any. */
function inNextColumn(card, step) {
  const shown = columns();
  const place = all(".card", listOf(columnOf(card))).indexOf(card);
  for (let index = shown.indexOf(columnOf(card)) + step; shown[index]; index += step) {
    const cards = all(".card", listOf(shown[index]));
    if (cards.length) return cards[place] ?? cards.at(-1);
  }
  return null;
}

function focusCard(card) {
  const link = card && (one(".card-link", card) ?? card);
  link?.focus({ preventScroll: true });
  link?.closest(".card")?.scrollIntoView({ block: "nearest", inline: "nearest" });
}
