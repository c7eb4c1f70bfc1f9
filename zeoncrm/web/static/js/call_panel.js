// One call in the stack: what is shown of it, and what can be done with it.

import { api, expectRefusal, isServerAway, part } from "./api.js";
import { dial } from "./dial.js";
import { all, one, parsed, settled } from "./dom.js";
import { openNewDeal } from "./dialogs.js";
import { openDrawer } from "./drawer.js";
import { askToNotify, mayAsk } from "./notify.js";
import { RANK, hasOnHold, ownConsult, ownExtension, ringsAlso, talkedSeconds, talkingSince, whyGone } from "./panel.js";
import { Picker } from "./picker.js";
import { fewNames } from "./presence.js";
import { text } from "./texts.js";
import { fromLocalField, length, showTimes, toLocalField } from "./times.js";

const SAVE_AFTER = 700;
const LOAD_AFTER = 60;
const STEPS = ["own_phone", "calling", "ringing_there"];
// With whom the call is, and about what.
const WHO = ["contact_id", "deal_id", "contact", "number", "caller_name"];
// The fields of what was promised.
const STEP = ["next_step", "next_step_at"];

export class CallPanel {
  constructor(call, me, close) {
    this.call = call;
    this.me = me;
    this.close = close;
    this.view = null;
    this.deal = null;
    this.isLoaded = false;
    // Fields with something in them that the server does not have yet.
    this.dirty = new Set();
    // Changes of the deal go one after the other: each needs the version that the one before it gave.
    this.queue = Promise.resolve();
    this.element = one("#call-panel").content.firstElementChild.cloneNode(true);
    this.name = call.contact || call.caller_name || call.number_national || text("withheld");
    this.slot("name").textContent = this.name;
    this.picker = new Picker(this.field("to"), this.slot("colleagues"), me.login, call.pbx);
    this.load = settled(LOAD_AFTER, () => this.#load());
    this.saveNote = settled(SAVE_AFTER, () => this.#saveNote());
    this.#listen();
  }

  slot = (name) => one(`[data-slot="${name}"]`, this.element);
  field = (name) => one(`[data-field="${name}"]`, this.element);

  /** Take over the call as it is now. */
  update(call, view) {
    const before = this.call;
    const isNews = view !== this.view || WHO.some((fact) => before[fact] !== call[fact]);
    this.call = call;
    this.view = view;
    if (isNews) this.slot("error").textContent = "";
    this.element.dataset.view = view;
    for (const element of all("[data-view]", this.element)) element.hidden = !element.dataset.view.split(" ").includes(view);
    this.#writeHead();
    if (view === "dialling") this.#writeSteps();
    if (isNews && view !== "gone") this.load();
    this.#writeDeal();
    this.#writeConsult(ownConsult(before, this.me));
    if (RANK[view] === 1) this.part("note").hidden = !this.field("note").value;
  }

  part = (name) => one(`[data-part="${name}"]`, this.element);

  /** Something was told on the live socket that may concern what is shown. */
  hear(message) {
    const dealId = message.deal?.id ?? message.deal_id;
    const isOurs =
      message.call_id === this.call.id ||
      (dealId && String(dealId) === this.deal?.id) ||
      (message.contact && message.contact.id === this.call.contact_id);
    if (isOurs) this.refresh();
  }

  refresh() {
    if (this.view !== "gone") this.load();
  }

  /** Only the head, unless the person has opened it or is at work in it. */
  fold(isFolded) {
    const keeps = this.isHeld || this.element.contains(document.activeElement);
    this.#setFolded(isFolded && !keeps);
  }

  #setFolded(isFolded) {
    this.element.classList.toggle("small", isFolded);
    this.#writeMeta();
    one("[data-act=toggle]", this.element).setAttribute("aria-expanded", String(!isFolded));
  }

  /** Beside the state: who it is while only the head is seen, else at which extension and line. */
  #writeMeta() {
    const { call } = this;
    const own = ownExtension(call, this.me);
    const facts = [
      own && text("extension", { number: own }),
      call.direction === "inbound" && call.did && text("line", { number: call.did_national }),
      call.queue && text("queue", { name: call.queue }),
    ];
    const isHead = this.view === "gone" || this.element.classList.contains("small");
    this.slot("meta").textContent = isHead ? this.name : facts.filter(Boolean).join(" · ");
  }

  #writeHead() {
    const { call, me, view } = this;
    this.#writeMeta();
    this.slot("timer").dateTime = talkingSince(call, me) ?? "";
    showTimes(this.slot("timer").parentElement);
    this.part("hold").hidden = view !== "talking" || !hasOnHold(call, me);
    if (view === "gone") {
      const [why, talker] = whyGone(call);
      this.slot("gone").textContent = text(why, { name: talker && fewNames([talker], call.pbx) });
    }
    const others = view === "ringing" ? ringsAlso(call, me) : [];
    this.slot("others").textContent = others.length ? text("alsoRings", { names: fewNames(others, call.pbx) }) : "";
    if (view === "wrapup") {
      const result = call.direction === "outbound" ? (call.result ?? "answered") : "answered";
      for (const each of all("[data-result]", this.element)) each.hidden = each.dataset.result !== result;
      const seconds = talkedSeconds(call, me);
      this.slot("length").textContent = seconds === null ? "" : length(seconds);
      one("[data-act=again]", this.element).hidden = !call.number || result === "answered";
    }
    this.element.setAttribute("aria-label", text("callingTo", { name: this.name }));
  }

  #writeSteps() {
    const reached = STEPS.indexOf(this.call.progress ?? "own_phone");
    for (const [index, step] of STEPS.entries()) {
      const item = one(`[data-step="${step}"]`, this.element);
      item.toggleAttribute("data-done", index < reached);
      if (index === reached) item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
    }
  }

  /** While one asks somebody else, only these two ways lead on: to connect them, and back. */
  #writeConsult(before) {
    const consult = this.view === "talking" ? ownConsult(this.call, this.me) : null;
    this.#saySoIfRefused(before, consult);
    const box = this.part("consult");
    box.hidden = !consult;
    if (this.view !== "talking" || consult) this.part("transfer").hidden = true;
    if (!consult) return;
    for (const slot of ["asked", "asked-too"]) this.slot(slot).textContent = fewNames([consult.other], this.call.pbx);
    for (const line of all("[data-when]", box)) line.hidden = line.dataset.when !== String(consult.talking);
    for (const act of ["transfer", "hangup"]) one(`[data-act=${act}]`, this.element).hidden = true;
  }

  /** Of one whose phone is busy no more is told than that it was called. */
  #saySoIfRefused(before, consult) {
    if (consult && !before) this.isGoingBack = false;
    if (consult || this.view !== "talking") this.asked = null;
    const { to, left } = this.asked ?? {};
    const isOver = before ? !before.talking && !this.isGoingBack : to && this.#leftAt(to) !== left;
    if (consult || this.view !== "talking" || !isOver) return;
    this.slot("error").textContent = text("notTaken", { name: fewNames([before?.other ?? to], this.call.pbx) });
    this.asked = null;
  }

  #leftAt = (extension) => this.call.legs.find((leg) => leg.extension === extension)?.left_at ?? null;

  async #load() {
    let fresh;
    try {
      fresh = parsed(await part(`/calls/${this.call.id}/card`)).firstElementChild;
    } catch {
      this.isStale = true; // The head says what is known; the next event tries again, or the server's return.
      return;
    }
    this.isStale = false;
    const slot = this.slot("card");
    const isChoosing = slot.contains(document.activeElement) && document.activeElement.matches("select");
    const whose = slot.contains(document.activeElement) && document.activeElement.dataset.whose;
    const { dataset } = fresh;
    this.name = dataset.name;
    this.deal = dataset.deal ? { id: dataset.deal, version: Number(dataset.version) } : null;
    if (!isChoosing) {
      slot.replaceChildren(fresh);
      if (whose) one(`[data-whose="${whose}"]`, slot)?.focus();
      showTimes(slot);
    }
    this.isLoaded = true;
    this.#fill("note", dataset.note);
    this.#fill("next_step", dataset.step);
    this.#fill("next_step_at", toLocalField(dataset.stepAt));
    this.#writeDeal();
    this.#writeHead();
    this.element.dispatchEvent(new Event("named", { bubbles: true }));
  }

  #fill(name, value) {
    const field = this.field(name);
    if (this.dirty.has(name) || field === document.activeElement) return;
    field.value = value;
    if (name === "note" && value) this.part("note").hidden = false;
  }

  #writeDeal() {
    const { deal, view } = this;
    const [open, create, offer] = ["open", "create", "notify"].map((act) => one(`[data-act=${act}]`, this.element));
    open.hidden = !deal || !["ringing", "unknown", "wrapup"].includes(view);
    if (deal) open.href = `/deals/${deal.id}`;
    create.hidden = deal || !this.isLoaded || ["dialling", "gone"].includes(view);
    this.part("next").hidden = !deal || view !== "wrapup";
    offer.hidden = view !== "ringing" || !mayAsk();
  }

  #listen() {
    this.element.addEventListener("click", (event) => {
      const act = event.target.closest("[data-act]")?.dataset.act;
      const day = event.target.closest("[data-day]")?.dataset.day;
      if (day) this.#chooseDay(Number(day));
      if (act) ACTS[act]?.(this, event);
    });
    this.element.addEventListener("change", (event) => {
      const stage = event.target.closest("[data-stage-of]");
      if (stage) this.#patch({ stage_id: Number(stage.value) });
      if (event.target.matches("[data-field^=next_step]")) this.#saveStep();
    });
    this.element.addEventListener("input", (event) => STEP.includes(event.target.dataset.field) && this.dirty.add(event.target.dataset.field));
    this.field("note").addEventListener("input", () => {
      this.dirty.add("note");
      this.slot("saved").textContent = text("saving");
      this.saveNote();
    });
    this.field("note").addEventListener("blur", () => this.#saveNote());
    this.part("transfer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#transfer(event.submitter?.value ?? "blind");
    });
  }

  async #try(action) {
    this.slot("error").textContent = "";
    try {
      return await action();
    } catch (error) {
      expectRefusal(error);
      this.isServerAway = isServerAway(error);
      this.slot("error").textContent = text("notDone", { reason: error.message });
      return undefined;
    }
  }

  /** One after the other as well: the last one counts. */
  #saveNote() {
    this.queue = this.queue.then(() => this.#saveNoteNow());
    return this.queue;
  }

  async #saveNoteNow() {
    if (!this.dirty.has("note")) return;
    const note = this.field("note").value;
    this.dirty.delete("note");
    const kept = await this.#try(() => api("PUT", `/calls/${this.call.id}/note`, { text: note }));
    this.slot("saved").textContent = kept ? text("saved") : "";
    if (!kept && this.isServerAway) this.dirty.add("note");
  }

  async #saveStep() {
    const [step, at] = STEP.map((name) => this.field(name).value);
    const kept = await this.#patch({ next_step: step.trim() || null, next_step_at: fromLocalField(at) });
    if (!kept && this.isServerAway) return;
    STEP.forEach((name, place) => this.field(name).value === [step, at][place] && this.dirty.delete(name));
  }

  /** Something is written that only stands here. */
  get isUnsaved() {
    return this.dirty.size > 0;
  }

  /** The other one's call turned out to be part of this one: what is written there goes on here. */
  async inherit(other) {
    const { value } = other.field("note");
    // What is on its way may come too late.
    const isUnsaved = other.dirty.delete("note") || other.slot("saved").textContent === text("saving");
    const field = this.field("note");
    if (!value) return;
    if (other.field("note") === document.activeElement) field.focus();
    if (!this.isLoaded) await this.#load();
    if (!field.value.includes(value)) field.value = [field.value, value].filter(Boolean).join("\n");
    this.part("note").hidden = false;
    if (!isUnsaved) return this.load(); // The server has joined them itself.
    this.dirty.add("note");
    await this.#saveNote();
  }

  /** The server is there again: give it what it could not take. */
  saveWaiting() {
    if (this.isStale) this.refresh();
    this.#saveNote();
    if (this.deal && STEP.some((name) => this.dirty.has(name))) this.#saveStep();
  }

  #chooseDay(days) {
    const at = new Date();
    at.setDate(at.getDate() + days);
    at.setHours(10, 0, 0, 0);
    this.field("next_step_at").value = toLocalField(at.toISOString());
    this.dirty.add("next_step_at");
    this.#saveStep();
  }

  /** Change the deal; if somebody else did so meanwhile, what this person has just said still counts. */
  #patch(changes) {
    this.queue = this.queue.then(() => this.#patchNow(changes));
    return this.queue;
  }

  #patchNow(changes) {
    return this.#try(async () => {
      const put = (version) => api("PATCH", `/deals/${this.deal.id}`, { ...changes, version });
      const after = await put(this.deal.version).catch((error) => {
        if (error.status !== 409 || !error.problem.deal) throw error;
        return put(error.problem.deal.version);
      });
      this.deal.version = after.version;
      this.slot("saved").textContent = text("saved");
      return after;
    });
  }

  /** People's states have changed. */
  hearPresence() {
    if (!this.part("transfer").hidden) this.picker.refresh();
  }

  async #transfer(kind) {
    const form = this.part("transfer");
    const buttons = all("button", form);
    for (const button of buttons) button.disabled = true;
    const to = this.picker.value;
    const left = this.#leftAt(to);
    const done = await this.#try(() => this.order("transfer", { to, kind }));
    for (const button of buttons) button.disabled = false;
    if (!done) return this.field("to").focus();
    form.hidden = true;
    if (kind === "attended") this.asked = { to, left };
    this.#writeConsult(null);
  }

  order = (path, body, method = "POST") => api(method, `/calls/${this.call.id}/${path}`, body);

  /** Go on from a consultation: to `complete` it, or to `cancel` it. */
  endConsult(how) {
    this.isGoingBack = true;
    return this.#try(() => this.order(`transfer/${how}`));
  }

  /** Of those who share the number it is this contact. */
  async choose(whose) {
    if (await this.#try(() => this.order("contact", { contact_id: Number(whose) }, "PUT"))) this.load();
  }

  async finish() {
    const known = this.slot("error").textContent;
    await this.#saveNote();
    await this.queue;
    // What was refused just now is to be seen first; what the server could not take is kept.
    if (!this.isUnsaved && (known || !this.slot("error").textContent)) this.close();
  }

  hangUp() {
    return this.#try(() => this.order("hangup"));
  }

  async again() {
    if (await dial(this.call.number, this.deal?.id)) this.close();
  }

  toggle() {
    const isFolded = !this.element.classList.contains("small");
    this.isHeld = !isFolded;
    this.#setFolded(isFolded);
  }
}

const ACTS = {
  toggle: (panel) => panel.toggle(),
  close: (panel) => panel.finish(),
  done: (panel) => panel.finish(),
  choose: (panel, event) => panel.choose(event.target.closest("[data-whose]").dataset.whose),
  hangup: (panel) => panel.hangUp(),
  again: (panel) => panel.again(),
  create: (panel) => openNewDeal({ call_id: panel.call.id, title: panel.name }),
  open(panel, event) {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    openDrawer(`/deals/${panel.deal.id}`);
  },
  note(panel) {
    panel.part("note").hidden = false;
    panel.field("note").focus();
  },
  transfer(panel) {
    const form = panel.part("transfer");
    form.hidden = !form.hidden;
    if (!form.hidden) panel.picker.open();
  },
  complete: (panel) => panel.endConsult("complete"),
  cancel: (panel) => panel.endConsult("cancel"),
  async notify(panel) {
    await askToNotify();
    one("[data-act=notify]", panel.element).hidden = true;
  },
};
