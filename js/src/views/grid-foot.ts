// What stands around a grid: what was measured above it; below, its colours, its marks, what runs.

import { published as meaning } from "../../../headwidgets/widgets/glossary.json";
import { aria, button, h } from "../lib/dom";
import { GLOSSARY_STYLE, term } from "../lib/glossary";
import { gradient } from "../lib/lut";
import type { Published } from "../lib/published";
import { css } from "../lib/theme";
import { type Badges, printed, type Table } from "./grid-table";
import type { Paint } from "./paint";
import { counted } from "./panel-data";
import { fold } from "./published-marks";

export const FOOT_STYLE =
  css`
.hw-below, .hw-below > div { display: flex; flex-wrap: wrap; gap: 4px 12px; align-items: center; }
.hw-below { margin-top: 6px; min-height: 28px; }
.hw-below > div:empty { display: none; }
.hw-scale-of i { width: 90px; height: 9px; border-radius: 2px; border: 1px solid var(--hw-line); }
.hw-scale-of { display: inline-flex; gap: 6px; align-items: center; font-family: var(--hw-mono);
  font-size: 12px; }
.hw-below progress { width: 110px; height: 8px; accent-color: var(--hw-accent); }
.hw-below .hw-meaning { left: 0; bottom: 100%; }
.hw-letters { display: inline-block; background: var(--hw-fg); color: var(--hw-bg); font: bold 8px/9px
  var(--hw-mono); padding: 0 3px; margin-right: 5px; vertical-align: 1px; }
` + GLOSSARY_STYLE;

/** What is measured just now. */
export interface Waiting {
  score: string;
  part: number;
  words: string;
  stop: AbortController;
}

/** What was measured, on what. */
export function said({ header }: Table, settled: boolean): string {
  const { title, measured_on, metric, unit, notes = [], incomplete = "" } = header;
  const parts = [
    ...[title || header.column, settled ? incomplete : "", measured_on],
    ...[metric ? counted(header) : unit, header.mean, ...notes],
  ];
  return parts.filter(Boolean).join(" · ");
}

/** How far it is, and a way to stop it. */
export function progress(waiting: Waiting): HTMLElement[] {
  const bar = h("progress", "");
  if (waiting.part > 0) bar.value = waiting.part;
  aria(bar, { label: waiting.words });
  return [bar, h("span", "hw-quiet", waiting.words), button("cancel", () => waiting.stop.abort())];
}

/** The colours and their ends. */
export function scale(table: Table | null, paint: Paint): HTMLElement[] {
  if (!table) return [];
  const bar = h("i", "");
  bar.style.background = gradient(paint.table(table.signed));
  const [low = "", high = ""] = table.ends.map((end) => printed(table, end));
  return [h("span", "hw-scale-of", low, bar, high)];
}

/** What the marks of heads mean, those that there are; it stays, so that a meaning may be open. */
export function legend() {
  const element = h("div", "");
  let shown = "";

  function draw(published: Published, badges: Badges): void {
    const cites = published.heads.size;
    const found = Object.keys(badges).length;
    const now = JSON.stringify([published.model, cites, found]);
    if (now === shown) return;
    shown = now;
    const heads = (n: number) => h("span", "hw-quiet", ` ${n} head${n > 1 ? "s" : ""}`);
    element.replaceChildren(
      ...(found
        ? [h("span", "", h("i", "hw-letters", "A"), "known here by another score", heads(found))]
        : []),
      ...(cites
        ? [h("span", "", fold(), term(`published for ${published.model}`, meaning), heads(cites))]
        : []),
    );
  }
  return { element, draw };
}
