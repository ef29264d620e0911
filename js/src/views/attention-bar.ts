// The controls: which weighting, over what, which run; zoom, end and search.

import { visible } from "../card";
import { aria, button, h, on, say } from "../lib/dom";

/** A row of buttons of which one is pressed; a choice that is lacking says why. */
export function choice<T extends string>(
  label: string,
  names: readonly T[],
  choose: (name: T) => void,
) {
  const buttons = names.map((name) => {
    const one = button(name, () => {
      if (one.getAttribute("aria-disabled") !== "true") choose(name);
    });
    return one;
  });
  const element = h("span", "hw-runs", ...buttons);
  aria(element, { role: "group", label });
  const draw = (
    chosen: T,
    lacks: Partial<Record<T, string>>,
    titles: Partial<Record<T, string>> = {},
    texts: Partial<Record<T, string>> = {},
  ) => {
    buttons.forEach((one, i) => {
      const name = names[i] as T;
      aria(one, { pressed: name === chosen, disabled: Boolean(lacks[name]) });
      one.title = lacks[name] || titles[name] || "";
      say(one, texts[name] ?? name);
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
  const tool = (text: string, label: string, act: () => void) => {
    const made = button(text, act, label);
    made.title = label;
    return made;
  };
  const field = h("input", "");
  const count = h("span", "hw-count");
  field.type = "search";
  field.placeholder = "find a token";
  aria(field, { label: "find a token: Enter goes to the next" });
  field.dataset.lmSuppressShortcuts = "true";
  aria(count, { role: "status" });
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
  on(field, "input", search);
  on(field, "keydown", (event) => {
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
    tool("−", "zoom out (−)", () => moves.zoom(2)),
    tool("+", "zoom in (+)", () => moves.zoom(0.5)),
    tool("whole", "the whole map (0)", moves.whole),
    tool("end", "jump to the last token (End)", moves.end),
    field,
    count,
  );
  aria(element, { role: "toolbar", label: "zoom and search" });
  return { element, search };
}

/** Where a text occurs among the tokens, as they are or as they are shown. */
export function matches(tokens: string[], text: string): number[] {
  if (!text) return [];
  const wanted = text.toLowerCase();
  const has = (token: string) => token.toLowerCase().includes(wanted);
  return tokens.flatMap((token, i) => (has(token) || has(visible(token)) ? [i] : []));
}
