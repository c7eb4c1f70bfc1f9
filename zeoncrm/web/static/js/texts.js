// The words of the scripts: the server writes them into #texts in the reader's language.

const texts = document.getElementById("texts")?.dataset ?? {};

/** A text with its {braces} filled in. */
export function text(name, values = {}) {
  return (texts[name] ?? name).replace(/\{(\w+)\}/g, (whole, key) => values[key] ?? whole);
}

/** The reader's language as the browser has it, so that `en-GB` writes dates its own way. */
const lang = document.documentElement.lang || "en";
export const language = navigator.languages.find((each) => each.split("-")[0] === lang) ?? lang;
