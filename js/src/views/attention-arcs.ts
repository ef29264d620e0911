// Arcs from a query to its strongest keys, over a strip of tokens that lies under the map's
// columns; and the same keys in words. A hand on the one lights up the other.

import { changing } from "../lib/changing";
import { h, on } from "../lib/dom";
import { words } from "../lib/heatmap";
import { STRONGEST, type Strong } from "./attention-look";
import type { Window } from "./map";
import { short } from "./map-axes";

const SVG = "http://www.w3.org/2000/svg";
const STRIP = 16;
const DEEP = 44;
const LETTER = 6.7;

export interface ArcsState {
  query: number;
  keys: Strong[];
  tokens: string[];
  seen: Window;
  label: number;
  size: number;
}

function svg(tag: string, attributes: Record<string, string | number>): SVGElement {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return element;
}

/** The arcs and the list; `choose` is told of a key that is clicked. */
export function strongView(choose: (key: number) => void) {
  const picture = svg("svg", { class: "hw-arcs", height: STRIP + DEEP + 4, "aria-hidden": "true" });
  const list = h("ol", "hw-strong");
  const light = (at: number, on: boolean) => {
    for (const one of [picture.querySelectorAll("path")[at], list.children[at]]) {
      one?.classList.toggle("hw-lit", on);
    }
  };
  const changes = changing();
  const draw = (state: ArcsState) => {
    const { query, keys, tokens, seen, label, size } = state;
    const now = [query, tokens, seen, label, size];
    if (!changes([...now, ...keys.flatMap(({ key, value }) => [key, value])])) return;
    picture.setAttribute("width", String(state.label + state.size));
    picture.replaceChildren(...arcs(state), ...strip(state));
    const items = state.keys.map(({ key, value }, at) => {
      const text = `${key} ${short(state.tokens[key] ?? "", 20)}  ${words(value)}`;
      const item = h("li", "", text);
      item.title = text;
      const top = Math.max(1, Math.abs(state.keys[0]?.value ?? 1));
      const part = Math.min(100, (Math.abs(value) / top) * 100);
      item.style.setProperty("--hw-part", `${part.toFixed(0)}%`);
      on(item, "mouseenter", () => light(at, true));
      on(item, "mouseleave", () => light(at, false));
      on(item, "click", () => choose(key));
      return item;
    });
    while (items.length < STRONGEST) items.push(h("li", "")); // as high as ever
    list.replaceChildren(...items);
    picture.querySelectorAll("path").forEach((path, at) => {
      on(path, "mouseenter", () => light(at, true));
      on(path, "mouseleave", () => light(at, false));
    });
  };
  return { picture, list, draw };
}

/** Where a token's column is, and whether it is on screen. */
function column(at: number, { seen, label, size }: ArcsState): [number, boolean] {
  const x = label + ((at + 0.5 - seen.key) * size) / seen.span;
  const on = Math.max(label, Math.min(label + size, x));
  return [on, on === x];
}

function arcs(state: ArcsState): SVGElement[] {
  const top = Math.max(...state.keys.map(({ value }) => Math.abs(value)), 1e-9);
  const [from, here] = column(state.query, state);
  return state.keys.map(({ key, value }) => {
    const [to, there] = column(key, state);
    if (!here && !there) return svg("path", {});
    const part = Math.abs(value) / top;
    const deep = Math.min(DEEP, 10 + Math.abs(from - to) * 0.28);
    const [left, right] = from === to ? [from - 7, to + 7] : [from, to];
    const path = svg("path", {
      d: `M${left} ${STRIP} C${left} ${STRIP + deep * 1.3} ${right} ${STRIP + deep * 1.3} ${right} ${STRIP}`,
      "stroke-opacity": Math.max(0.15, part).toFixed(2),
      "stroke-width": (1 + 2 * part).toFixed(1),
      ...(here && there ? {} : { "stroke-dasharray": "3 3" }),
    });
    path.classList.toggle("hw-minus", value < 0);
    return path;
  });
}

/** As many tokens as there is room for: the query first, its keys, then the others. */
function strip(state: ArcsState): SVGElement[] {
  const { query, keys, seen, tokens, label, size } = state;
  const own = [query, ...keys.map(({ key }) => key)];
  const others = Array.from({ length: Math.min(seen.span, 120) }, (_, i) => seen.key + i);
  const taken: [number, number][] = [];
  const out: SVGElement[] = [];
  for (const at of new Set([...own, ...others])) {
    const [x, on] = column(at, state);
    const text = short(tokens[at] ?? String(at));
    const half = (text.length * LETTER) / 2 + 3;
    const middle = Math.max(half, Math.min(label + size - half, x));
    const free = taken.every(([low, high]) => middle + half < low || middle - half > high);
    if (!on || !free) continue;
    taken.push([middle - half, middle + half]);
    const word = svg("text", { x: middle, y: 12, "text-anchor": "middle" });
    word.textContent = text;
    word.classList.toggle("hw-own", own.includes(at));
    out.push(word);
  }
  return out;
}
