// The board: cards go to another stage by mouse, finger or keyboard, and follow what others do.

import { api, expectRefusal, part } from "./api.js";
import { all, announce, on, one, parsed, settled, toast } from "./dom.js";
import { setUnder } from "./drawer.js";
import { onLive } from "./live.js";
import { showLiveCalls } from "./live_cards.js";
import { added, sumsText } from "./money.js";
import { text } from "./texts.js";
import { showTimes } from "./times.js";

const REFRESH_AFTER = 150;
const MOST_IDS = 100;

const board = () => one("#board");
export const columns = () => all(".column", board());
export const columnOf = (element) => element.closest(".column");
export const listOf = (column) => one(".cards", column);

let isDragging = false;
const waiting = new Set();

/** While a card is in somebody's hand nothing else on the board may move. */
export function setDragging(dragging) {
  isDragging = dragging;
  board().classList.toggle("dragging", dragging);
  if (!dragging && waiting.size) refreshSoon();
}

/** What the sums of the columns would be if the card stood there. */
export function showWould(card, target) {
  for (const column of columns()) {
    const head = one(".column-head", column);
    let sums = JSON.parse(head.dataset.sums);
    let count = Number(head.dataset.count);
    const isHome = column.dataset.stage === card.dataset.stage;
    const isTarget = column === target;
    column.classList.toggle("target", isTarget && !isHome);
    if (isHome !== isTarget) {
      const sign = isTarget ? 1n : -1n;
      sums = added(sums, card.dataset.amount, card.dataset.currency, sign);
      count += isTarget ? 1 : -1;
    }
    writeTotal(head, count, sums, isHome !== isTarget);
  }
}

/** The sums as they are. */
export function showTrue() {
  for (const column of columns()) {
    column.classList.remove("target");
    writeTrue(one(".column-head", column));
  }
}

function writeTrue(head) {
  writeTotal(head, head.dataset.count, JSON.parse(head.dataset.sums), false);
}

function writeTotal(head, count, sums, would) {
  head.dataset.shownSums = JSON.stringify(sums);
  one(".column-count", head).textContent = count;
  const shown = one(".column-sum", head);
  shown.textContent = shown.title = sumsText(sums);
  shown.classList.toggle("would", would);
}

/** Put a card into a column at once; if the server refuses, it goes back with a word why. */
export async function moveCard(card, column) {
  const home = columns().find((each) => each.dataset.stage === card.dataset.stage);
  if (column === home) return showTrue();
  const title = card.dataset.title;
  put(card, column);
  announce(text("dropped", { title, stage: column.dataset.name }));
  try {
    const change = { stage_id: Number(column.dataset.stage), version: Number(card.dataset.version) };
    await api("PATCH", `/deals/${card.dataset.deal}`, change);
  } catch (error) {
    expectRefusal(error);
    const words = error.status === 409 ? text("stale", { title }) : text("notMoved", { title, reason: error.message });
    toast(words);
    announce(words);
    put(card, home);
    card.classList.add("refused");
  }
  await refresh([card.dataset.deal]);
}

function put(card, column) {
  showWould(card, column);
  keepTotals();
  listOf(column).prepend(card);
  card.dataset.stage = column.dataset.stage;
}

/** What the totals would be is what they are now. */
function keepTotals() {
  for (const head of all(".column-head", board())) {
    head.dataset.count = one(".column-count", head).textContent;
    head.dataset.sums = head.dataset.shownSums;
  }
  showTrue();
}

const refreshSoon = settled(REFRESH_AFTER, () => {
  if (isDragging || !waiting.size) return;
  const ids = [...waiting].slice(0, MOST_IDS);
  if (waiting.size > MOST_IDS) return reload();
  waiting.clear();
  refresh(ids);
});

/** Take over how these deals stand now, and the totals. */
async function refresh(ids) {
  const { pipeline, query } = board().dataset;
  const path = `/board/${pipeline}/changed${query || "?"}${query ? "&" : ""}ids=${ids.join(",")}`;
  let fresh;
  try {
    fresh = parsed(await part(path));
  } catch {
    return; // The next event, or the return of the link, brings it.
  }
  if (isDragging) return ids.forEach((id) => waiting.add(id));
  for (const head of all(".column-head", fresh)) takeHead(head);
  one("#board-total")?.replaceWith(one("#board-total", fresh));
  for (const id of ids) placeCard(id, one(`#deal-${id}`, fresh));
  one(".board-empty", board())?.toggleAttribute("hidden", all(".card", board()).length > 0);
  showLiveCalls();
}

function takeHead(head) {
  const now = document.getElementById(head.id);
  if (!now) return;
  Object.assign(now.dataset, { ...head.dataset });
  writeTrue(now);
}

/** A card to its place: newest first, without moving what is under the pointer. */
function placeCard(id, fresh) {
  const now = one(`#deal-${id}`, board());
  const column = fresh && columns().find((each) => each.dataset.stage === fresh.dataset.stage);
  const isShown = column && (!column.classList.contains("column-closed") || column.classList.contains("open"));
  if (!isShown) return now?.remove();
  const list = listOf(column);
  const next = all(".card", list).find((each) => each !== now && isNewer(fresh, each));
  // Below what has been loaded it comes with its page.
  if (!next && one(".wait", list)) return now?.remove();
  const isSame = now && now.dataset.version === fresh.dataset.version && now.parentElement === list;
  if (isSame) return;
  const focused = now?.contains(document.activeElement);
  const isNew = !now || now.parentElement !== list;
  now?.remove();
  const [before, hovered] = [list.scrollHeight, list.matches(":hover") && list.scrollTop > 0];
  list.insertBefore(fresh, next ?? one(".wait", list));
  if (hovered && next) list.scrollTop += list.scrollHeight - before;
  window.htmx.process(fresh);
  showTimes(fresh);
  if (isNew) fresh.classList.add("arrived");
  if (focused) one(".card-link", fresh).focus({ preventScroll: true });
}

function isNewer(card, other) {
  const [left, right] = [card.dataset.entered, other.dataset.entered];
  return left === right ? Number(card.dataset.deal) > Number(other.dataset.deal) : left > right;
}

/** The whole board anew. */
function reload() {
  waiting.clear();
  const { pipeline, query } = board().dataset;
  window.htmx.ajax("GET", `/board/${pipeline}${query}`, { target: "#board", swap: "outerHTML" });
}

/** Won and lost columns open on demand, and stay as they were left. */
async function toggleColumn(column, open) {
  const button = one(".column-toggle", column);
  column.classList.toggle("open", open);
  button.setAttribute("aria-expanded", String(open));
  localStorage.setItem(`zeoncrm.open.${column.dataset.stage}`, open ? "1" : "");
  const list = listOf(column);
  if (!open) return list.replaceChildren();
  list.replaceChildren(parsed(await part(button.dataset.load)));
  window.htmx.process(list);
  showTimes(list);
}

function openKept() {
  for (const column of columns()) {
    if (one(".column-toggle", column) && localStorage.getItem(`zeoncrm.open.${column.dataset.stage}`)) toggleColumn(column, true);
  }
}

export function startBoard(prepare) {
  if (!board()) return;
  prepare();
  openKept();
  on("click", ".column-toggle", (event, button) => {
    const column = columnOf(button);
    toggleColumn(column, !column.classList.contains("open"));
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id !== "board" && !event.target.contains(board())) return showLiveCalls();
    setUnder(`/board/${board().dataset.pipeline}${board().dataset.query}`);
    prepare();
    openKept();
    showLiveCalls();
  });
  on("change", "select[data-go]", (event, select) => location.assign(select.dataset.go + select.value));
  onLive("deal.created deal.moved deal.changed", (message) => note(message.deal.id));
  onLive("deal.gone", (message) => note(message.deal_id));
  onLive("resync", reload);
}

function note(id) {
  waiting.add(id);
  if (!isDragging) refreshSoon();
}

