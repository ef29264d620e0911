// Step 5: what the head does on text, its winning cases in context, and their classes.

import { visible } from "../card";
import { aria, button, h } from "../lib/dom";
import { say, unlessSame } from "../lib/same";
import { area } from "./panel-parts";
import { type Case, type Cases, type Share, two } from "./succession-data";
import type { Running } from "./taxonomy-run";

export interface Pair {
  looks: string;
  writes: string;
}

interface Does {
  read: (text: string) => void;
  prompts: () => void;
  lists: () => void;
  cancel: () => void;
  all: () => void;
}

export function textView(act: Does) {
  const box = area("text to read", 2);
  box.placeholder = "a text to read: In order: Monday, Tuesday …";
  const go = button("read this text", () => act.read(box.value));
  const prompts = button("the session's prompts", act.prompts);
  const lists = button("numbered lists", act.lists);
  const cancel = button("cancel", act.cancel);
  const progress = h("progress", "");
  const words = aria(h("span", "hw-small"), { role: "status" });
  const tools = h("div", "hw-line", go, prompts, lists, cancel, progress, words);
  const shares = h("div", "");
  const kept = h("div", "hw-line hw-small");
  const list = aria(h("ol", "hw-cases"), { label: "winning cases" });
  list.tabIndex = 0;
  const halves = h("div", "hw-pair", shares, h("div", "", kept, list));
  const element = h("div", "", box, tools, halves);

  function draw(
    cases: Partial<Cases>,
    pair: Pair | null,
    running: Running | null,
    why: string,
    live: boolean,
  ): void {
    for (const one of [go, prompts, lists]) one.disabled = !live || Boolean(running);
    cancel.hidden = progress.hidden = !running;
    if (running && running.part > 0) progress.value = running.part;
    else progress.removeAttribute("value");
    say(words, running?.words || why || summary(cases));
    words.className = !running && why ? "hw-why" : "hw-small";
    found(cases, pair);
  }

  const found = unlessSame((cases: Partial<Cases>, pair: Pair | null): void => {
    const rows = cases.rows ?? [];
    const theirs = `here of ${cases.wins} winning cases; paper: of those in 128 contexts of the Pile`;
    const table = [sharesTable(cases.shares ?? []), h("div", "hw-small", theirs)];
    shares.replaceChildren(...(rows.length ? table : []));
    const mine = pair
      ? rows.filter((one) => one.because === pair.looks && one.next.trim() === pair.writes)
      : rows;
    const filter = pair
      ? [
          h("span", "", `${mine.length} of ${pair.looks} → ${pair.writes}`),
          button("all cases", act.all),
        ]
      : [];
    kept.replaceChildren(...filter);
    list.replaceChildren(...mine.map(caseRow));
    list.hidden = !mine.length;
    element.dataset.hwCases = String(mine.length);
  });
  return { element, draw };
}

/** What was read; that only so many of the cases are here, where it is not all. */
function summary({ of, head, wins = 0, n, listed = wins }: Partial<Cases>): string {
  if (!of) return "nothing read yet";
  const cut = listed < wins ? ` · listed: the ${listed} of the largest effect` : "";
  return `${of}: head ${head} wins ${wins} of ${n} positions${cut}`;
}

function sharesTable(shares: Share[]): HTMLElement {
  const names = ["class", "", "share", "95 %", "paper"];
  const rows = shares.map((one) => {
    const fill = h("i", "");
    fill.style.width = `${100 * (one.share ?? 0)}%`;
    const spread = h("u", "");
    spread.style.left = `${100 * (one.low ?? 0)}%`;
    spread.style.width = `${100 * ((one.high ?? 0) - (one.low ?? 0))}%`;
    return h(
      "tr",
      "",
      ...[h("td", "", one.class), h("td", "", h("span", "hw-bar", fill, spread))],
      ...[
        h("td", "", `${two(one.share)} (${one.n})`),
        h("td", "", `${two(one.low)}–${two(one.high)}`),
      ],
      h("td", "", one.paper === null ? "–" : one.paper.toFixed(3)),
    );
  });
  const header = h("thead", "", h("tr", "hw-small", ...names.map((name) => h("th", "", name))));
  return h("table", "hw-shares", header, h("tbody", "", ...rows));
}

/** A text as it stands, but for characters that cannot be seen or turn its direction. */
const legible = (text: string): string => text.replace(/\S+/g, (word) => visible(word));

function caseRow(one: Case): HTMLElement {
  const tokens = one.tokens.map(legible).map((token, i) => {
    const share = one.shares[i] ?? 0;
    if (share < 0.02) return token;
    const mark = h("mark", "", token);
    mark.style.background = `rgb(230 159 0 / ${(0.1 + 0.35 * share).toFixed(3)})`;
    mark.title = `attention ${share.toFixed(2)}`;
    return mark;
  });
  const [word = "", because = "", other = ""] = [one.next, one.because, one.runner_up].map(legible);
  const context = h("div", "hw-context", ...tokens, h("b", "", word));
  const due = because ? `${because} → ${word.trim()}` : word.trim();
  const next = other ? `, next ${other} ${one.runner_up_effect.toFixed(2)}` : "";
  const words = `${due} · ${one.effect.toFixed(2)} logits${next}`;
  const line = h("div", "hw-line", h("span", "hw-kindof", one.class), h("span", "hw-small", words));
  return h("li", "", line, context);
}
