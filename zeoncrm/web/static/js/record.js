// A deal or a contact that is open: its fields save themselves, and it follows what others change.

import { api, expectRefusal, isServerAway, part } from "./api.js";
import { all, isWriting, on, one, parsed, settled, toast } from "./dom.js";
import { openRecord } from "./drawer.js";
import { onLive } from "./live.js";
import { text } from "./texts.js";
import { fromLocalField, showTimes, toLocalField } from "./times.js";

// Changes go one after the other: each needs the version that the one before it gave.
let queue = Promise.resolve();

export function startRecord() {
  on("change", ".record [data-field]", (event, input) => save(input.closest(".record"), input));
  on("click", ".record [data-set-stage]", (event, button) => setStage(button));
  on("click", ".record [data-toggle-hot]", (event, button) => {
    change(button.closest(".record"), { priority: button.getAttribute("aria-pressed") === "true" ? "normal" : "hot" });
  });
  on("click", ".record [data-toggle-vip]", (event, button) => {
    change(button.closest(".record"), { vip: button.getAttribute("aria-pressed") !== "true" });
  });
  on("submit", ".record .phones-form", (event, form) => {
    event.preventDefault();
    savePhones(form);
  });
  on("click", ".record [data-edit-phones]", (event, button) => {
    const record = button.closest(".record");
    one(".phones", record).hidden = true;
    one(".phones-form", record).hidden = false;
    one(".phones-form input", record).focus();
  });
  on("keydown", ".record .composer textarea", (event, area) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) area.form.requestSubmit();
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.successful && event.target.matches("form[data-reset]")) event.target.reset();
  });
  document.addEventListener("htmx:load", (event) => fillTimes(event.detail.elt));
  fillTimes(document);
  onLive("deal.created deal.moved deal.changed deal.gone contact.changed contact.gone note.written call.changed call.answered call.ended recording.ready resync", follow);
  onLive("hello", saveWaiting);
  addEventListener("beforeunload", (event) => one(".record [data-unsaved]") && event.preventDefault());
}

function fillTimes(root) {
  for (const input of all("input[data-utc]", root)) input.value = toLocalField(input.dataset.utc);
}

function valueOf(input) {
  if (input.type === "datetime-local") return fromLocalField(input.value);
  if (input.dataset.field === "amount") return input.value.replace(/\s/g, "").replace(",", ".") || null;
  if (input.dataset.number !== undefined) return input.value ? Number(input.value) : null;
  return input.value.trim() || (input.required ? "" : null);
}

function save(record, input) {
  return change(record, { [input.dataset.field]: valueOf(input) }, input);
}

/** Put a change of a record through; what the server refuses is said, and what is true is shown. */
function change(record, changes, input = null) {
  queue = queue.then(async () => {
    try {
      const put = (version) => api("PATCH", record.dataset.api, { ...changes, version });
      const after = await put(Number(record.dataset.version)).catch((error) => {
        const now = input?.hasAttribute("data-unsaved") && (error.problem?.deal ?? error.problem?.contact);
        if (!now) throw error;
        return put(now.version); // It waited while others went on: of what it is about, it is still the last word.
      });
      record.dataset.version = after.version;
      if (input) mark(input, true);
      await refresh(record);
    } catch (error) {
      expectRefusal(error);
      if (input) mark(input, false);
      input?.toggleAttribute("data-unsaved", isServerAway(error));
      toast(error.status === 409 ? text("stale", { title: record.dataset.name }) : text("notSaved", { reason: error.message }));
      if (error.status === 409) await refresh(record, { overwrite: true });
    }
  });
  return queue;
}

function mark(input, saved) {
  input.removeAttribute("data-unsaved");
  input.setAttribute("aria-invalid", String(!saved));
  if (!saved) return;
  input.removeAttribute("aria-invalid");
  const cell = input.closest(".cell, .record-title");
  if (!cell) return;
  cell.dataset.saved = "";
  setTimeout(() => delete cell.dataset.saved, 1500);
}

function setStage(button) {
  const record = button.closest(".record");
  for (const each of all("[data-set-stage]", record)) each.setAttribute("aria-pressed", String(each === button));
  change(record, { stage_id: Number(button.dataset.setStage) });
}

function savePhones(form) {
  const rows = all("[data-phone-row]", form);
  const phones = rows
    .map((row) => ({ number: one("[name=number]", row).value.trim(), label: one("[name=label]", row).value.trim() }))
    .filter((phone) => phone.number);
  change(form.closest(".record"), { phones });
}

const follow = settled(120, () => {
  const record = openRecord();
  if (record) refresh(record);
});

/** The server is there again: give it what it could not take. */
function saveWaiting() {
  for (const input of all(".record [data-unsaved]")) save(input.closest(".record"), input);
}

/** Take over what has changed: each part but the ones that the person is at work on. */
async function refresh(record, { overwrite = false } = {}) {
  if (!record.isConnected) return;
  let fresh;
  try {
    fresh = one(".record", parsed(await part(record.dataset.path)));
  } catch {
    return; // It is no longer theirs to see, or the server is away: what stands there is the last that is known.
  }
  Object.assign(record.dataset, { ...fresh.dataset });
  for (const now of all("[data-part]", record)) {
    const then = one(`[data-part="${now.dataset.part}"]`, fresh);
    // Somebody who listens goes on listening.
    if (!then || one(".player[open], [data-unsaved]", now) || (!overwrite && now.contains(document.activeElement) && isWriting())) continue;
    const focused = now.contains(document.activeElement) ? document.activeElement.id : null;
    now.replaceWith(then);
    window.htmx.process(then);
    showTimes(then);
    fillTimes(then);
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  }
}
