// The controls: which weighting, over what, which run; zoom, end and search.

import { visible } from "../card";
import { h } from "../lib/dom";

/** A row of buttons of which one is pressed; a choice that is lacking says why. */
export function choice<T extends string>(
  label: string,
  names: readonly T[],
  choose: (name: T) => void,
) {
  const buttons = names.map((name) => {
    const button = h("button", "", name);
    button.type = "button";
    button.addEventListener("click", () => {
      if (button.getAttribute("aria-disabled") !== "true") choose(name);
    });
    return button;
  });
  const element = h("span", "hw-runs", ...buttons);
  element.setAttribute("role", "group");
  element.setAttribute("aria-label", label);
  const draw = (
    chosen: T,
    lacks: Partial<Record<T, string>>,
    titles: Partial<Record<T, string>> = {},
    texts: Partial<Record<T, string>> = {},
  ) => {
    buttons.forEach((button, i) => {
      const name = names[i] as T;
      button.setAttribute("aria-pressed", String(name === chosen));
      button.setAttribute("aria-disabled", String(Boolean(lacks[name])));
      button.title = lacks[name] || titles[name] || "";
      const text = texts[name] ?? name;
      if (button.textContent !== text) button.textContent = text;
    });
  };
  return { element, draw };
}

export interface Moves {
  zoom(factor: number): void;
  whole(): void;
  end(): void;
  /** Tokens that a search found, and the one to go to. */
  found(places: number[], go: number | null): void;
}

/** The quiet row above the map. */
export function tools(moves: Moves, tokens: () => string[]) {
  const button = (text: string, label: string, act: () => void) => {
    const made = h("button", "", text);
    made.type = "button";
    made.title = label;
    made.setAttribute("aria-label", label);
    made.addEventListener("click", act);
    return made;
  };
  const field = h("input", "");
  const count = h("span", "hw-count");
  field.type = "search";
  field.placeholder = "find a token";
  field.setAttribute("aria-label", "find a token: Enter goes to the next");
  field.dataset.lmSuppressShortcuts = "true";
  count.setAttribute("role", "status");
  let at = -1;
  let places: number[] = [];
  const tell = (go: boolean) => {
    count.textContent = !field.value
      ? ""
      : places.length
        ? `${at < 0 ? "" : `${at + 1} of `}${places.length}`
        : "none";
    moves.found(places, go ? (places[at] ?? null) : null);
  };
  const search = () => {
    if (!field.value && !places.length) return;
    at = -1;
    places = matches(tokens(), field.value);
    tell(false);
  };
  field.addEventListener("input", search);
  field.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Escape") {
      field.value = "";
      search();
      field.blur();
    } else if (event.key === "Enter" && places.length) {
      event.preventDefault();
      const step = event.shiftKey ? places.length - 1 : 1;
      at = at < 0 && event.shiftKey ? places.length - 1 : (at + step) % places.length;
      tell(true);
    }
  });
  const element = h(
    "div",
    "hw-tools",
    button("−", "zoom out (−)", () => moves.zoom(2)),
    button("+", "zoom in (+)", () => moves.zoom(0.5)),
    button("whole", "the whole map (0)", moves.whole),
    button("end", "jump to the last token (End)", moves.end),
    field,
    count,
  );
  element.setAttribute("role", "toolbar");
  element.setAttribute("aria-label", "zoom and search");
  return { element, search };
}

/** Where a text occurs among the tokens, as they are or as they are shown. */
export function matches(tokens: string[], text: string): number[] {
  if (!text) return [];
  const wanted = text.toLowerCase();
  const has = (token: string) => token.toLowerCase().includes(wanted);
  return tokens.flatMap((token, i) => (has(token) || has(visible(token)) ? [i] : []));
}
