// The little that the parts of the patch panel are made of.

import { aria, h, on } from "../lib/dom";
import { Cancelled } from "../lib/rpc";

/** A field of one line; its name is for the style. */
export function input(name: string, label: string): HTMLInputElement {
  const made = h("input", "");
  made.name = name;
  made.autocomplete = "off";
  return labelled(made, label);
}

/** A field of text as it is. */
export function area(label: string, rows = 1): HTMLTextAreaElement {
  const made = h("textarea", "");
  made.rows = rows;
  return labelled(made, label);
}

function labelled<T extends HTMLInputElement | HTMLTextAreaElement>(made: T, label: string): T {
  made.spellcheck = false;
  aria(made, { label });
  return made;
}

/** Where a refusal is said, at once. */
export function refusal() {
  const element = h("span", "hw-why");
  aria(element, { role: "alert" });
  return {
    element,
    say: (text: string) => {
      element.textContent = text;
    },
    /** What went wrong; a cancelled request did not. */
    tell: (error: Error) => {
      if (!(error instanceof Cancelled)) element.textContent = error.message;
    },
  };
}

/** Do something at a key, and let nobody else hear of it. */
export function onKey(node: HTMLElement, key: string, act: (event: KeyboardEvent) => void): void {
  on(node, "keydown", (event) => {
    if (event.key !== key || event.isComposing) return;
    event.stopPropagation();
    act(event);
  });
}

/** One of several. */
export function choice(value = "", text = ""): HTMLOptionElement {
  const made = h("option", "", text);
  made.value = value;
  return made;
}

/** A choice of several: what each is, and what it is called. */
export function select(label: string, options: string[][]): HTMLSelectElement {
  const made = h("select", "", ...options.map(([value, text]) => choice(value, text)));
  aria(made, { label });
  return made;
}
