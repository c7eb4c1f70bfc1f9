// Small helpers around the document.

export const one = (selector, root = document) => root.querySelector(selector);
export const all = (selector, root = document) => [...root.querySelectorAll(selector)];

/** Call the handler for events of elements that fit the selector, now or later in the page. */
export function on(type, selector, handler) {
  document.addEventListener(type, (event) => {
    const target = event.target instanceof Element ? event.target.closest(selector) : null;
    if (target) handler(event, target);
  });
}

/** Say it to a screen reader. */
export function announce(words) {
  one("#announcer").textContent = words;
}

/** A message at the edge of the page, gone after a while. */
export function toast(words, kind = "bad") {
  const box = document.createElement("p");
  box.className = `toast toast-${kind}`;
  box.append(icon(kind === "bad" ? "warn" : "check"), words);
  one("#toasts").append(box);
  setTimeout(() => box.remove(), kind === "bad" ? 9000 : 4000);
}

/** An icon of the sprite; its address is that of the icons that the server drew. */
export function icon(name) {
  const drawn = one(".icon use").getAttribute("href");
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", drawn.replace(/#.*/, `#${name}`));
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

/** The elements of a piece of the server's HTML. */
export function parsed(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}

/** Whether the person is writing something just now. */
export function isWriting(element = document.activeElement) {
  return Boolean(element?.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]"));
}

/** Run it once the calls have stopped for so many milliseconds. */
export function settled(milliseconds, run) {
  let timer;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(run, milliseconds, ...values);
  };
}
