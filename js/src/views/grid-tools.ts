// The row above a grid: which score, which heads, and whether as a grid or ranked.

import type { AnyModel } from "@anywidget/types";
import { aria, button, h, on } from "../lib/dom";
import type { GridOwn } from "./grid";
import { standing, type Table } from "./grid-table";

interface Tools {
  score: (name: string) => void;
  sort: (to: "grid" | "value") => void;
  find: (text: string) => void;
  only: (verdict: string) => void;
}

const SORTS = [
  ["grid", "by layer"],
  ["value", "ranked"],
] as const;

export function gridTools(act: Tools) {
  const title = h("b", "");
  const select = h("select", "");
  aria(select, { label: "score" });
  on(select, "change", () => act.score(select.value));
  const find = h("input", "");
  find.type = "search";
  find.placeholder = "9.  or a verdict";
  aria(find, { label: "filter heads by name, verdict or reason" });
  on(find, "input", () => act.find(find.value));
  const sorts = SORTS.map(([name, text]) => {
    const one = button(text, () => act.sort(name));
    return { name, one };
  });
  const join = h("span", "hw-join", ...sorts.map(({ one }) => one));
  aria(join, { role: "group", label: "order of heads" });
  const chips = h("span", "hw-gridtools");
  const count = h("span", "hw-quiet");
  const element = h("div", "hw-gridtools", title, select, join, find, chips, count);
  let listed: unknown;
  let shown: unknown;

  function draw(
    table: Table,
    own: AnyModel<GridOwn>,
    keep: Uint8Array,
    asked: string | undefined,
  ): void {
    const choices = own.get("choices") ?? [];
    if (choices !== listed) {
      listed = choices;
      select.replaceChildren(...options(choices));
    }
    const score = asked ?? own.get("score");
    select.hidden = !score;
    title.hidden = Boolean(score);
    title.textContent = table.header.title || table.header.column || "";
    select.value = score;
    if (find.value !== own.get("find")) find.value = own.get("find") ?? "";
    for (const { name, one } of sorts) {
      aria(one, { pressed: name === (own.get("sort") || "grid") });
    }
    const only = own.get("only");
    const news = `${only} ${table.header.verdicts?.length}`;
    if (shown !== table || chips.dataset.of !== news) {
      shown = table;
      chips.dataset.of = news;
      chips.replaceChildren(...verdicts(table, only, act.only));
    }
    const kept = keep.reduce((sum, one) => sum + one, 0);
    count.textContent = kept < keep.length ? `${kept} of ${keep.length} heads` : "";
  }
  return { element, draw };
}

function options(choices: GridOwn["choices"]): HTMLElement[] {
  const groups = new Map<string, HTMLOptGroupElement>();
  for (const { name, title, group } of choices) {
    const box = groups.get(group) ?? h("optgroup", "");
    box.label = group;
    const one = h("option", "", name === title ? name : `${name} — ${title}`);
    one.value = name;
    box.append(one);
    groups.set(group, box);
  }
  return [...groups.values()];
}

/** One button a verdict that some head has, with how many have it. */
function verdicts(table: Table, only: string, pick: (verdict: string) => void): HTMLElement[] {
  const names = table.header.verdicts ?? [];
  const counts = names.map(() => 0);
  for (const code of table.verdict) counts[code] = (counts[code] ?? 0) + 1;
  const order = names
    .map((_, i) => i)
    .sort((a, b) => standing(names[b] ?? "") - standing(names[a] ?? ""));
  return order
    .filter((i) => names[i] && counts[i] && names.length > 1)
    .map((i) => {
      const name = names[i] ?? "";
      const text = `${["", "○ ", "● "][standing(name)]}${name} `;
      const one = button(text, () => pick(name));
      one.append(h("small", "", String(counts[i])));
      return aria(one, { pressed: only === name });
    });
}
