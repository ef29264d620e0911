// Who hands over to whom: sums by stage, 4 × 4, and the strongest pairs of heads.

import { aria, button, h } from "../lib/dom";
import { css } from "../lib/theme";
import { type Edge, type HandOver, percent, two } from "./together-data";

export const HAND_OVER_STYLE = css`
.hw-over { display: grid; gap: 12px 20px; grid-template-columns: minmax(0, 1fr); margin-top: 8px; }
@container (min-width: 860px) { .hw-over { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); } }
.hw-scroll { overflow-x: auto; }
.hw-kindview .hw-pairs { width: auto; }
.hw-kindview .hw-pairs td { padding-right: 14px; }
.hw-kindview .hw-matrix { border-collapse: separate; border-spacing: 3px; width: auto; }
.hw-kindview .hw-matrix th { color: var(--hw-fg); font-size: 11px; white-space: normal;
  max-width: 92px; padding: 2px 4px; font-weight: 400; vertical-align: bottom; }
.hw-kindview .hw-matrix tbody th { text-align: right; vertical-align: middle; }
.hw-kindview .hw-matrix td { width: 82px; height: 46px; text-align: center; border-radius: 4px;
  vertical-align: middle; padding: 2px; border: 1px solid var(--hw-line); white-space: nowrap;
  font-family: var(--hw-mono); background: color-mix(in srgb, var(--hw-fill, var(--hw-accent))
  calc(var(--hw-part, 0) * 45%), transparent); }
.hw-kindview .hw-matrix td small { display: block; font-size: 10px; color: var(--hw-fg); }
.hw-kindview .hw-matrix td.hw-back { border: 1.5px dashed var(--hw-pick); --hw-fill: var(--hw-pick); }
.hw-kindview .hw-matrix td.hw-none { color: var(--hw-quiet); border-style: dotted; }
.hw-kindview .hw-matrix td.hw-none small { color: var(--hw-quiet); }
`;

export interface OverState {
  found: HandOver;
  selection: string;
}

/** The matrix, what is to be said of it, and the pairs. */
export function handOver(
  { found, selection }: OverState,
  pick: (head: string) => void,
): HTMLElement {
  const said = [
    `Change of the metric, in ${found.unit}, when what the heads of a stage (rows) write reaches`,
    "the queries, keys and values of those of another (columns) as on the corrupted prompt.",
    `Without: ${two(found.clean)}. ↩ leads back to an earlier stage:`,
    `${percent(found.cycling)} of all.`,
  ];
  const skip = found.skipping;
  const skipping = !("share" in skip)
    ? ""
    : skip.reason
      ? `Who skips expression preparation cannot be told: ${skip.reason}.`
      : `${percent(skip.share)} of ${skip.n} prompts skip expression preparation: its heads write ` +
        `less than ${percent(skip.least)} of the logit difference themselves.`;
  const notes = [found.measured_on, found.stale ? "before your edit" : "", found.incomplete];
  return h(
    "div",
    "hw-over",
    h(
      "div",
      "",
      h("div", "hw-scroll", matrix(found)),
      h("p", "hw-small", said.join(" ")),
      h("p", "", skipping),
      h("div", "hw-small", notes.filter(Boolean).join(" · ")),
    ),
    h("div", "", pairs(found, selection, pick)),
  );
}

function matrix({ stages, effect, se, edges }: HandOver): HTMLElement {
  const most = Math.max(1e-9, ...effect.flat().map((value) => Math.abs(value ?? 0)));
  const top = h("tr", "", h("td", "hw-none", "from ↓  to →"), ...stages.map(heading("col")));
  top.firstElementChild?.setAttribute("style", "border:0;height:auto");
  const rows = stages.map((stage, i) => {
    const cells = stages.map((to, j) => {
      const value = effect[i]?.[j] ?? null;
      const back = j < i;
      const error = value === null ? "no path" : `± ${two(se[i]?.[j])}`;
      const mark = back && value !== null ? "↩ " : "";
      const cell = h(
        "td",
        "",
        `${mark}${value === null ? "–" : two(value)}`,
        h("small", "", error),
      );
      cell.className = value === null ? "hw-none" : back ? "hw-back" : "";
      cell.style.setProperty("--hw-part", String(Math.abs(value ?? 0) / most));
      cell.dataset.cell = `${i + 1}${j + 1}`;
      cell.title = `${stage} → ${to}: ${edges[i]?.[j] ?? 0} paths${back ? ", back" : ""}`;
      return cell;
    });
    return h("tr", "", heading("row")(stage), ...cells);
  });
  const table = h("table", "hw-matrix", h("thead", "", top), h("tbody", "", ...rows));
  return aria(table, { label: "hand-over by stage: rows hand over, columns take" });
}

const heading = (scope: string) => (text: string) => {
  const made = h("th", "", text);
  made.scope = scope;
  return made;
};

function pairs(found: HandOver, selection: string, pick: (head: string) => void): HTMLElement {
  const title = h("h4", "", `the strongest of ${found.n_pairs} paths`);
  const head = (name: string) => {
    const kinds = found.heads[name]?.join(", ") ?? "";
    const made = button(name, () => pick(name), `select head ${name}: ${kinds}`);
    made.title = kinds;
    return aria(made, { pressed: name === selection });
  };
  const row = (one: Edge) => {
    const made = h(
      "tr",
      one.from === selection || one.to === selection ? "hw-on" : "",
      h("td", "", head(one.from)),
      h("td", "", "→ ", head(one.to), ` .${one.input}`),
      h("td", "hw-num", two(one.effect)),
      h("td", "hw-num", `± ${two(one.se)}`),
      h("td", "hw-small", found.heads[one.to]?.join(", ") ?? ""),
    );
    made.dataset.pair = `${one.from} ${one.to}.${one.input}`;
    return made;
  };
  const names = ["from", "to", "effect", "", "the taker is"];
  const top = names.map((name, i) => h(name ? "th" : "td", i === 2 ? "hw-num" : "", name));
  const body = h("tbody", "", ...found.pairs.map(row));
  const table = h("table", "hw-pairs", h("thead", "", h("tr", "", ...top)), body);
  return h("div", "", title, h("div", "hw-scroll", table));
}
