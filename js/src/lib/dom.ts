// The little DOM that widgets need: an element with a class, text and children; what it is to
// those who do not see it; what happens to it; a button.

/** Make an element; text goes in as text, never as HTML. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className: string,
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

/** Say what an element is: its role, and its attributes that begin with "aria-". */
export function aria<E extends Element>(
  element: E,
  says: Record<string, string | number | boolean>,
): E {
  for (const [name, value] of Object.entries(says)) {
    element.setAttribute(name === "role" ? name : `aria-${name}`, String(value));
  }
  return element;
}

/** Give an element its text; the same text again costs nothing, not even a layout. */
export function say(node: Element, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

/** Do something whenever an event comes. */
export function on<K extends keyof HTMLElementEventMap>(
  node: Element,
  name: K,
  act: (event: HTMLElementEventMap[K]) => void,
): void {
  node.addEventListener(name, act as EventListener);
}

/** A real button; `label` is what it says to those who do not see it. */
export function button(text: string, act?: () => void, label = ""): HTMLButtonElement {
  const made = h("button", "", text);
  made.type = "button";
  if (label) aria(made, { label });
  if (act) on(made, "click", act);
  return made;
}
