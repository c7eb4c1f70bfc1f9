// Who is free, and one's own state in the bar.

import { api, expectRefusal } from "./api.js";
import { all, on, one, toast } from "./dom.js";
import { onLive } from "./live.js";
import { text } from "./texts.js";

const people = new Map();
const listeners = [];
const login = document.body.dataset.login;

/** Everybody who has a phone, as last told. */
export const everybody = () => [...people.values()];

/** Call the function when somebody stands otherwise than before. */
export const onPresence = (listener) => listeners.push(listener);

/** Whether it is the person's on this PBX: the same number may be somebody else's on another. */
export const isAt = (person, extension, pbx) =>
  person.phones.some(([where, number]) => number === extension && (where === "" || where === pbx));

/** Whose extension it is on the PBX, whose own entry counts; the extension itself when nobody's. */
export function nameAt(extension, pbx) {
  const found = everybody().filter((each) => isAt(each, extension, pbx));
  const there = found.find((each) => each.phones.some(([where, number]) => where === pbx && number === extension));
  return (there ?? found[0])?.name ?? extension;
}

/** Whose these extensions are: three names, and how many more. */
export function fewNames(extensions, pbx) {
  const names = extensions.map((extension) => nameAt(extension, pbx));
  return names.slice(0, 3).join(", ") + (names.length > 3 ? ` +${names.length - 3}` : "");
}

/** The mark that says how somebody stands. */
export const standing = (each) => (each.on_hold_since ? "held" : each.state);

/** Of the marks below the element, show that of the state. */
export function showMarks(element, state) {
  for (const mark of all("[data-when]", element)) mark.hidden = mark.dataset.when !== state;
}

export function startPresence() {
  onLive("hello", ({ presence }) => {
    if (!presence) return;
    people.clear();
    take(presence);
  });
  onLive("presence.changed", ({ people: changed, gone }) => {
    for (const each of gone) people.delete(each);
    take(changed);
  });
  on("click", "#presence, [data-away]", toggleAway);
}

function take(changed) {
  for (const each of changed) people.set(each.login, each);
  const mine = people.get(login);
  if (mine) showOwn(mine);
  for (const listener of listeners) listener();
}

function showOwn(mine) {
  const button = one("#presence");
  button.dataset.state = mine.state;
  showMarks(button, standing(mine));
  press(mine.away);
}

const press = (away) => all("#presence, [data-away]").forEach((each) => each.setAttribute("aria-pressed", String(away)));

async function toggleAway(event, button) {
  const away = button.getAttribute("aria-pressed") !== "true";
  press(away);
  try {
    await api("PATCH", "/me", { away });
  } catch (error) {
    press(!away);
    expectRefusal(error);
    toast(text("notDone", { reason: error.message }));
  }
}
