// Choosing a colleague: type to filter, arrows, Enter. Who is free stands first. What fits nobody is taken as typed.

import { all, one } from "./dom.js";
import { everybody, isAt, showMarks, standing } from "./presence.js";

const ORDER = ["free", "ringing", "talking", "away", "unknown", "unreachable"];
const MOST = 50;
let made = 0;

/** Whom the words may mean on this PBX: part of a name or the beginning of an extension. Whose extension it is stands
 *  first, then who is free, then by name. */
export function fitting(people, words, pbx) {
  const wanted = words.trim().toLowerCase();
  const there = (each) => each.extensions.filter((extension) => isAt(each, extension, pbx));
  const found = people.flatMap((each) => there(each).map((extension) => ({ ...each, extension })));
  const fits = ({ name, extension }) => name.toLowerCase().includes(wanted) || extension.startsWith(wanted);
  const rank = ({ state, extension }) => (extension === wanted ? -1 : ORDER.indexOf(state));
  return found.filter(fits).sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name)).slice(0, MOST);
}

export class Picker {
  constructor(input, list, me, pbx) {
    [this.input, this.list, this.me, this.pbx] = [input, list, me, pbx];
    this.chosen = null;
    this.active = 0;
    list.id = `picker-${++made}`;
    input.setAttribute("aria-controls", list.id);
    input.addEventListener("input", () => this.#type());
    input.addEventListener("keydown", (event) => this.#press(event));
    list.addEventListener("pointerdown", (event) => {
      const option = event.target.closest("[role=option]");
      if (!option) return;
      event.preventDefault(); // the input keeps the focus
      this.#choose(option);
    });
  }

  /** The extension that was chosen; else the number that was typed, or the only one whose name has the words. */
  get value() {
    const typed = this.input.value.trim();
    const [meant, other] = this.list.hidden || !/\p{L}/u.test(typed) ? [] : this.list.children;
    return this.chosen ?? (meant && !other ? meant.dataset.extension : typed);
  }

  open() {
    this.input.value = "";
    this.#type();
    this.input.focus();
  }

  /** Show how people stand now. Nobody changes places under somebody's pointer or keys. */
  refresh() {
    const options = [...this.list.children];
    if (!options.length && this.chosen === null) return this.#draw();
    for (const option of options) {
      const each = everybody().find((person) => isAt(person, option.dataset.extension, this.pbx));
      if (each) showMarks(option, standing(each));
    }
  }

  #type() {
    this.chosen = null;
    this.active = 0;
    this.isMoved = false;
    this.#draw();
  }

  #draw() {
    const found = fitting(everybody().filter((each) => each.login !== this.me), this.input.value, this.pbx);
    this.active = Math.max(0, Math.min(this.active, found.length - 1));
    this.list.replaceChildren(...found.map((each, index) => this.#option(each, index)));
    this.#show(found.length > 0);
  }

  #show(isOpen) {
    this.list.hidden = !isOpen;
    this.input.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) this.#mark();
    else this.input.removeAttribute("aria-activedescendant");
  }

  #option(each, index) {
    const option = one("#picker-option").content.firstElementChild.cloneNode(true);
    option.id = `${this.list.id}-${index}`;
    option.dataset.extension = each.extension;
    one("[data-slot=name]", option).textContent = each.name;
    one("[data-slot=extension]", option).textContent = each.extension;
    showMarks(option, standing(each));
    return option;
  }

  #mark() {
    const options = all("[role=option]", this.list);
    for (const [index, option] of options.entries()) option.setAttribute("aria-selected", String(index === this.active));
    const active = options[this.active];
    this.input.setAttribute("aria-activedescendant", active.id);
    // Within the list alone: the page must not move.
    const [top, bottom] = [active.offsetTop, active.offsetTop + active.offsetHeight];
    if (top < this.list.scrollTop) this.list.scrollTop = top;
    else if (bottom > this.list.scrollTop + this.list.clientHeight) this.list.scrollTop = bottom - this.list.clientHeight;
  }

  #press(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && this.list.hidden) this.#type();
    else if (step) {
      const count = this.list.children.length;
      this.active = (this.active + step + count) % count;
      this.isMoved = true;
      this.#mark();
    } else if (event.key === "Enter" && !this.list.hidden) this.#enter();
    else if (event.key === "Escape" && !this.list.hidden) this.#show(false);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Whole digits are an extension or number as they stand, not the beginning of a colleague's. */
  #enter() {
    const option = this.list.children[this.active];
    const typed = this.input.value.trim();
    if (this.isMoved || !/^\d+$/.test(typed) || typed === option.dataset.extension) this.#choose(option);
    else this.#show(false);
  }

  #choose(option) {
    this.chosen = option.dataset.extension;
    this.input.value = `${one("[data-slot=name]", option).textContent} · ${this.chosen}`;
    this.#show(false);
  }
}
