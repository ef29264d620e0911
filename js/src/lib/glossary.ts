// Words that can be asked about: a dotted word that opens its meaning, by mouse or keyboard.

import { aria, h, on } from "./dom";
import { css } from "./theme";

export const GLOSSARY_STYLE = css`
.hw-term { font: inherit; color: inherit; background: none; border: 0; padding: 0; cursor: help;
  text-decoration: underline dotted; text-underline-offset: 2px; }
.hw-term:focus-visible { outline: 2px solid var(--hw-accent); outline-offset: 2px; }
.hw-meaning { position: absolute; z-index: 5; max-width: 34em; width: max-content;
  padding: 6px 10px; border: 1px solid var(--hw-line); border-radius: 5px; white-space: normal;
  background: var(--hw-bg); color: var(--hw-fg); box-shadow: 0 2px 8px rgb(0 0 0 / 18%); }
.hw-ask { position: relative; display: inline-block; }
`;
let count = 0;

/** A word that opens its meaning; the meanings are in headwidgets/widgets/glossary.json. */
export function term(says: string, means: string): HTMLElement {
  const word = h("button", "hw-term", says);
  word.type = "button";
  aria(word, { expanded: false });
  const whole = h("span", "hw-ask", word);
  let meaning: HTMLElement | undefined;
  const close = () => {
    meaning?.remove();
    meaning = undefined;
    aria(word, { expanded: false });
    word.removeAttribute("aria-describedby");
  };
  const open = () => {
    meaning = h("span", "hw-meaning", means);
    aria(meaning, { role: "tooltip" });
    meaning.id = `hw-meaning-${++count}`;
    whole.append(meaning);
    keepInside(meaning, word);
    aria(word, { expanded: true, describedby: meaning.id });
  };
  on(word, "click", (event) => {
    event.stopPropagation();
    meaning ? close() : open();
  });
  on(word, "keydown", (event) => {
    if (event.key !== "Escape" || !meaning) return;
    event.stopPropagation();
    close();
  });
  on(word, "blur", close);
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
