// Dialogs that stand in the page, and the one that makes deals.

import { api, expectRefusal } from "./api.js";
import { all, on, one, toast } from "./dom.js";
import { openDrawer } from "./drawer.js";
import { text } from "./texts.js";

/** Open the dialog for a new deal; `values` fill its fields in. */
export function openNewDeal(values = {}) {
  const dialog = one("#new-deal");
  const form = one("form", dialog);
  form.reset();
  for (const name of ["call_id", "contact_id", "pipeline_id"]) form.elements[name].value = values[name] ?? "";
  form.elements.title.value = values.title ?? "";
  one("[data-error]", form).textContent = "";
  const known = Boolean(values.contact_id || values.call_id);
  for (const part of all("[data-part=contact]", form)) part.hidden = known;
  dialog.show();
  form.elements.title.select();
}

export function startDialogs() {
  on("click", "[data-open-dialog=new-deal]", (event, button) => {
    openNewDeal({ pipeline_id: button.dataset.pipeline, contact_id: button.dataset.contact, title: button.dataset.title });
  });
  on("click", "[data-open-dialog]:not([data-open-dialog=new-deal])", (event, button) => {
    one(`#${button.dataset.openDialog}`).show();
  });
  on("click", "[data-close-dialog]", (event, button) => button.closest("dialog").close());
  on("mousedown", "dialog", (event, dialog) => event.target === dialog && dialog.close());
  document.addEventListener("keydown", (event) => {
    const open = event.key === "Escape" && one("dialog[open]");
    if (!open) return;
    event.preventDefault();
    open.close();
  });
  on("submit", "#new-deal form", (event, form) => {
    event.preventDefault();
    makeDeal(form);
  });
}

async function makeDeal(form) {
  const button = one(".button-main", form);
  const values = Object.fromEntries(new FormData(form));
  button.disabled = true;
  try {
    const deal = values.call_id ? await dealFromCall(values) : await dealOf(values);
    form.closest("dialog").close();
    toast(text("dealMade", { title: deal.title }), "good");
    openDrawer(`/deals/${deal.id}`);
  } catch (error) {
    expectRefusal(error);
    one("[data-error]", form).textContent = error.message;
  } finally {
    button.disabled = false;
  }
}

async function dealFromCall(values) {
  const deal = await api("POST", `/calls/${values.call_id}/deal`, { title: values.title });
  const amount = amountOf(values);
  return amount ? api("PATCH", `/deals/${deal.id}`, { version: deal.version, amount }) : deal;
}

async function dealOf(values) {
  const deal = { title: values.title, amount: amountOf(values), contact_id: await contactOf(values) };
  if (values.pipeline_id) deal.pipeline_id = Number(values.pipeline_id);
  return api("POST", "/deals", deal);
}

/** The contact that is meant: the known one, the one with this number, or a new one. */
async function contactOf(values) {
  const [name, phone] = [values.contact_name.trim(), values.phone.trim()];
  if (values.contact_id) return Number(values.contact_id);
  if (!name && !phone) return null;
  if (phone) {
    const found = await api("GET", `/contacts?limit=1&phone=${encodeURIComponent(phone)}`);
    if (found.items.length) return found.items[0].id;
  }
  const contact = { name: name || phone, phones: phone ? [{ number: phone }] : [] };
  return (await api("POST", "/contacts", contact)).id;
}

/** What was typed as an amount, as the API takes it. */
export function amountOf(values) {
  return values.amount.replace(/\s/g, "").replace(",", ".") || null;
}
