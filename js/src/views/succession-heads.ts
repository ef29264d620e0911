// Step 2, first half: every head's score, the variants side by side, the null in the bar.

import { aria, h, on } from "../lib/dom";
import { unlessSame } from "../lib/same";
import {
  type Matrix,
  ranked,
  type Scores,
  scoreOf,
  two,
  VARIANTS,
  values,
} from "./succession-data";

const SHOWN = 100;

/** A bar from 0 to 1, with a tick where chance ends. */
export function bar(share: number, tick: number, label: string): HTMLElement {
  const fill = h("i", "");
  fill.style.width = `${100 * Math.min(1, Math.max(0, share || 0))}%`;
  const mark = h("b", "");
  mark.style.left = `${100 * Math.min(1, tick)}%`;
  return aria(h("span", "hw-bar", fill, ...(tick >= 0 ? [mark] : [])), { role: "img", label });
}

export function headList(pick: (head: string) => void) {
  const element = aria(h("div", "hw-labheads"), { role: "listbox", label: "heads by score" });
  element.tabIndex = 0;
  element.dataset.lmSuppressShortcuts = "true";
  let order: string[] = [];
  let chosen = "";
  on(element, "keydown", (event) => {
    const at = order.indexOf(chosen);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: order.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const head = order[Math.max(0, Math.min(order.length - 1, to))];
    if (head) pick(head);
  });

  function draw(scores: Scores, variant: string, head: string): void {
    const table = values(scores);
    const heads = ranked(scores, table, variant);
    const shown = heads.slice(0, SHOWN);
    if (head && !shown.some((one) => one.head === head))
      shown.push(...heads.filter((one) => one.head === head));
    order = shown.map((one) => one.head);
    chosen = head;
    const chance = scores.null[variant]?.["micro largest"] ?? -1;
    const variants = scores.variants.map((one) => marked(one, scores.kind));
    const names = ["head", "", ...variants, "macro", "copies"];
    const rows = shown.map(({ place, head: name }) => {
      const says = (column: number, one = variant) => scoreOf(scores, table, one, column, place);
      const cells = [
        h("td", "", bar(says(0), chance, `${two(says(0))} of 1, random ≤ ${two(chance)}`)),
        ...scores.variants.map((one) => h("td", "", two(says(0, one)))),
        h("td", "", two(says(1))),
        h("td", "", two(says(2))),
      ];
      for (const cell of cells) cell.setAttribute("role", "none");
      const row = h("tr", "", aria(h("td", "", name), { role: "none" }), ...cells);
      aria(row, { role: "option", selected: name === head });
      row.dataset.head = name;
      on(row, "click", () => pick(name));
      return row;
    });
    const top = element.scrollTop;
    const plain = { role: "none" };
    const header = h("thead", "", h("tr", "", ...names.map((name) => h("th", "", name))));
    aria(header, { ...plain, hidden: true });
    const body = aria(h("tbody", "", ...rows), plain);
    const note =
      heads.length > SHOWN ? [h("div", "hw-small", `the best ${SHOWN} of ${heads.length}`)] : [];
    element.replaceChildren(aria(h("table", "", header, body), plain), ...note);
    element.scrollTop = top;
    const mine = element.querySelector<HTMLElement>('tr[aria-selected="true"]');
    if (mine && element.contains(document.activeElement)) mine.scrollIntoView({ block: "nearest" });
  }
  return { element, draw: unlessSame(draw) };
}

/** The selected head's share in every set. */
export function setBars(matrix: Partial<Matrix>, scores: Scores, variant: string): HTMLElement {
  const at = scores.variants.indexOf(variant);
  const counts = new Map(scores.sets);
  const rows = (matrix.bars ?? []).flatMap(([name, ...shares]) => {
    const share = shares[at] ?? Number.NaN;
    const fill = bar(share, -1, `${name}: ${two(share)}`);
    fill.style.width = "100%";
    return [
      h("span", "", name),
      fill,
      h("span", "hw-small", `${two(share)} of ${counts.get(name)}`),
    ];
  });
  return h("div", "hw-sets", ...rows);
}

/** The name of a variant; that of the kind "successor" has a star. */
const marked = (name: string, kind: string | undefined) => (name === kind ? `${name} ★` : name);

/** A variant, as it is called on screen. */
export const variantName = (name: string, kind?: string) =>
  `${marked(name, kind)}: ${VARIANTS[name] ?? ""}`;
