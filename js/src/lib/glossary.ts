// Words that can be asked about: a dotted word that opens its meaning, by mouse or keyboard.

import glossary from "../../../headwidgets/widgets/glossary.json";
import { h } from "./dom";

export type Term = keyof typeof glossary;

export const GLOSSARY_STYLE = `
.hw-term { font: inherit; color: inherit; background: none; border: 0; padding: 0; cursor: help;
  text-decoration: underline dotted; text-underline-offset: 2px; }
.hw-term:focus-visible { outline: 2px solid var(--hw-accent); outline-offset: 2px; }
.hw-meaning { position: absolute; z-index: 5; max-width: 34em; width: max-content;
  padding: 6px 10px; border: 1px solid var(--hw-line); border-radius: 5px; white-space: normal;
  background: var(--hw-bg); color: var(--hw-fg); box-shadow: 0 2px 8px rgb(0 0 0 / 18%); }
.hw-ask { position: relative; display: inline-block; }
`;
let count = 0;

/** The word `says` (the term itself, if nothing else), which opens the term's meaning. */
export function term(name: Term, says: string = name): HTMLElement {
  const word = h("button", "hw-term", says);
  word.type = "button";
  word.setAttribute("aria-expanded", "false");
  const whole = h("span", "hw-ask", word);
  let meaning: HTMLElement | undefined;
  const close = () => {
    meaning?.remove();
    meaning = undefined;
    word.setAttribute("aria-expanded", "false");
    word.removeAttribute("aria-describedby");
  };
  const open = () => {
    meaning = h("span", "hw-meaning", glossary[name]);
    meaning.setAttribute("role", "tooltip");
    meaning.id = `hw-meaning-${++count}`;
    whole.append(meaning);
    keepInside(meaning, word);
    word.setAttribute("aria-expanded", "true");
    word.setAttribute("aria-describedby", meaning.id);
  };
  word.addEventListener("click", (event) => {
    event.stopPropagation();
    meaning ? close() : open();
  });
  word.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !meaning) return;
    event.stopPropagation();
    close();
  });
  word.addEventListener("blur", close);
  return whole;
}

/** Move a meaning that would leave the widget at its right. */
function keepInside(meaning: HTMLElement, word: HTMLElement): void {
  const room = word.closest(".hw-root")?.getBoundingClientRect();
  if (!room) return;
  meaning.style.maxWidth = `${Math.max(160, Math.min(420, room.width - 24))}px`;
  const over = meaning.getBoundingClientRect().right - (room.right - 8);
  if (over > 0) meaning.style.marginLeft = `${-over}px`;
}
