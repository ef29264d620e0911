// The numbers of the patch panel: the metric with its intervals, and the top tokens.

import { visible } from "../card";
import { aria, h, on } from "../lib/dom";
import { term } from "../lib/glossary";
import { css } from "../lib/theme";
import {
  type Effect,
  MEANS,
  type Panel,
  type Row,
  RUNS,
  said,
  spread,
  type Top,
  type Which,
} from "./panel-data";

const ROWS = 10;

export const NUMBERS_STYLE = css`
.hw-panel { --hw-clean: #0072b2; --hw-corrupted: #d55e00; --hw-edited: #009e73; }
[data-jp-theme-light="false"] .hw-panel { --hw-clean: #56b4e9; --hw-corrupted: #e69f00;
  --hw-edited: #4fd1a5; }
.hw-panel [data-run="clean"] { --hw-run: var(--hw-clean); }
.hw-panel [data-run="corrupted"] { --hw-run: var(--hw-corrupted); }
.hw-panel [data-run="edited"] { --hw-run: var(--hw-edited); }
.hw-metric { display: grid; grid-template-columns: 6em minmax(80px, 1fr) minmax(4.5em, auto); gap: 2px 10px;
  align-items: center; }
.hw-metric .hw-number { font-family: var(--hw-mono); font-size: 12px; text-align: right;
  white-space: pre; }
.hw-axis { position: relative; height: 16px; background:
  linear-gradient(var(--hw-line), var(--hw-line)) center / 100% 1px no-repeat; }
.hw-axis i { position: absolute; transition: left .12s, width .12s; }
.hw-zero { width: 1px; height: 100%; background: var(--hw-quiet); }
.hw-whisker { top: 6px; height: 4px; border-radius: 2px; min-width: 1px;
  background: color-mix(in srgb, var(--hw-run) 45%, transparent); }
.hw-dot { top: 3px; width: 10px; height: 10px; margin-left: -5px; border-radius: 50%;
  background: var(--hw-run); }
.hw-key::before { content: ""; display: inline-block; width: 8px; height: 8px; margin-right: 6px;
  border-radius: 50%; background: var(--hw-run); }
.hw-tops { display: grid; grid-template-columns: 1fr 1fr 1.35fr; gap: 0 14px; }
.hw-tops h4 { margin: 0; padding-bottom: 2px; font: inherit; border-bottom: 2px solid var(--hw-run); }
.hw-tops ol { list-style: none; margin: 0; padding: 0; }
.hw-tops li { display: flex; gap: 8px; height: 20px; align-items: center; padding: 0 4px;
  font-family: var(--hw-mono); font-size: 12px; border-radius: 2px;
  background: linear-gradient(90deg, color-mix(in srgb, var(--hw-run) 22%, transparent)
  var(--hw-part, 0%), transparent 0); }
.hw-tops li.hw-same { outline: 1px solid var(--hw-run); }
.hw-tops b { font-weight: 400; flex: 1; min-width: 0; overflow: hidden; white-space: pre;
  text-overflow: ellipsis; }
.hw-tops small { font-size: 11px; color: var(--hw-quiet); min-width: 4.6em; text-align: right; }
.hw-panel .hw-stale { color: var(--hw-quiet); }
.hw-panel .hw-stale :is(.hw-dot, .hw-whisker, h4, li) { --hw-run: var(--hw-quiet); }
`;

/** The metric of three runs, on one axis. */
export function metricPlot() {
  const lines = RUNS.map((run) => {
    const [whisker, dot, zero] = [h("i", "hw-whisker"), h("i", "hw-dot"), h("i", "hw-zero")];
    const axis = h("span", "hw-axis", zero, whisker, dot);
    aria(axis, { hidden: true });
    const [key, value] = [
      h("span", "hw-key", run === "edited" ? run : term(run, MEANS[run])),
      h("span", "hw-number"),
    ];
    for (const part of [key, axis]) part.dataset.run = run;
    return { run, whisker, dot, zero, value, parts: [key, axis, value] };
  });
  const element = h("div", "hw-metric", ...lines.flatMap(({ parts }) => parts));
  return {
    element,
    draw(effect: Effect) {
      const rows = RUNS.map((run) => effect.rows?.[run]);
      const place = scale(rows);
      lines.forEach(({ whisker, dot, zero, value }, i) => {
        const row = rows[i];
        const there = row?.value !== null && row?.value !== undefined;
        for (const part of [whisker, dot]) part.style.visibility = there ? "" : "hidden";
        zero.style.left = place(0);
        value.textContent = there && row ? said(row.value) + spread(row) : "–";
        value.title = row?.note ?? "";
        if (!there || !row) return;
        dot.style.left = place(row.value ?? 0);
        const [low, high] = [row.low ?? row.value ?? 0, row.high ?? row.value ?? 0];
        whisker.style.left = place(low);
        whisker.style.width = `calc(${place(high)} - ${place(low)})`;
      });
    },
  };
}

/** Where a value lies on the common axis, which holds zero. */
function scale(rows: (Row | undefined)[]): (value: number) => string {
  const ends = rows.flatMap((row) => [row?.value, row?.low, row?.high]);
  const there = ends.filter((end): end is number => typeof end === "number");
  const [low, high] = [Math.min(0, ...there), Math.max(0, ...there)];
  const width = high - low || 1;
  return (value) => `${(3 + (94 * (value - low)) / width).toFixed(2)}%`;
}

/** The likeliest tokens of three runs, each in its own order. */
export function topTokens(unit: () => 0 | 1) {
  const columns = RUNS.map((run) => {
    const items = Array.from({ length: ROWS }, () => {
      const [token, value, change] = [h("b", ""), h("span", ""), h("small", "")];
      const item = h("li", "", token, value, ...(run === "edited" ? [change] : []));
      return { item, token, value, change };
    });
    const list = h("ol", "", ...items.map(({ item }) => item));
    const title = h("h4", "", run);
    const box = h("div", "", title, list);
    box.dataset.run = run;
    aria(list, { label: `likeliest tokens of the ${run} run` });
    return { run, items, box, title };
  });
  const element = h("div", "hw-tops", ...columns.map(({ box }) => box));
  const point = (event: Event) => {
    const id = (event.target as HTMLElement).closest?.("li")?.dataset.id;
    for (const { items } of columns) {
      for (const { item } of items) {
        const same = event.type === "pointerover" && id !== undefined && item.dataset.id === id;
        item.classList.toggle("hw-same", same);
      }
    }
  };
  on(element, "pointerover", point);
  on(element, "pointerleave", point);
  return {
    element,
    draw(panel: Panel) {
      for (const { run, items, title } of columns) {
        const rows = panel.top?.[run] ?? [];
        title.textContent = rows.length ? run : `${run}: ${lack(run)}`;
        items.forEach((parts, i) => {
          fill(parts, rows[i], unit());
        });
      }
    },
  };
}

function lack(run: Which): string {
  return run === "corrupted" ? "no prompt" : run === "edited" ? "waits" : "–";
}

type Parts = Record<"item" | "token" | "value" | "change", HTMLElement>;

function fill({ item, token, value, change }: Parts, row: Top | undefined, unit: 0 | 1): void {
  // A byte that is no character by itself: its number tells it from the others.
  token.textContent = row ? visible(row.token).replace(/^\ufffd+$/, `\ufffd ${row.id}`) : "";
  token.title = row ? `${visible(row.token)} (${row.id})` : "";
  // A logit near 1e-8 is rounding, a probability is not.
  const number = (is: number | null, signed = false) =>
    unit ? said(is, 3, signed) : said(is && Math.abs(is) < 1e-5 ? 0 : is, 2, signed);
  value.textContent = row ? number(unit ? row.p : row.logit) : "";
  change.textContent = row ? number(row.change[unit], true) : "";
  item.style.setProperty("--hw-part", `${Math.round(100 * (row?.p ?? 0))}%`);
  if (row) item.dataset.id = String(row.id);
  else delete item.dataset.id;
}
