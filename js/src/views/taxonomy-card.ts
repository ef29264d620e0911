// An open card: what a kind is, how it is measured, what would prove it, this model's best heads.

import { aria, button, h } from "../lib/dom";
import { mathml } from "../lib/mathml";
import type { Published } from "../lib/published";
import { css } from "../lib/theme";
import { evidence } from "./taxonomy-board";
import { citations } from "./taxonomy-cited";
import {
  CANDIDATE,
  type Card,
  CONSISTENT,
  type Found,
  markOf,
  number,
  type Proof,
  pOf,
  type Roles,
  standing,
} from "./taxonomy-data";

export const CARD_STYLE = css`
.hw-open h3 { font-size: 15px; margin: 0; font-weight: 600; flex: 1; }
.hw-open h3 small { font-weight: 400; font-size: 11px; color: var(--hw-quiet); margin-left: 8px; }
.hw-open p { margin: 5px 0; }
.hw-open math { font-size: 15px; display: block math; math-style: normal; text-align: center; }
.hw-math { overflow-x: auto; overflow-y: hidden; padding: 5px 0; }
.hw-open dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 3px 10px;
  margin: 6px 0; }
.hw-open dt { color: var(--hw-quiet); }
.hw-open dd { margin: 0; overflow-wrap: anywhere; }
.hw-open ul { margin: 0; padding-left: 15px; }
.hw-verdictline { margin: 6px 0; padding: 0 8px; border-left: 3px solid var(--hw-line); }
.hw-acts { display: flex; flex-wrap: wrap; gap: 5px 8px; align-items: center; margin: 6px 0; }
.hw-kindview table { border-collapse: collapse; width: 100%; font-size: 12px; }
.hw-kindview th { text-align: left; font-weight: 400; color: var(--hw-quiet); font-size: 11px; }
.hw-kindview tbody th { color: var(--hw-fg); font-weight: 600; padding-top: 5px; }
.hw-kindview :is(td, th) { padding: 1px 8px 1px 0; white-space: nowrap; vertical-align: baseline; }
.hw-kindview :is(td, th).hw-num { text-align: right; font-family: var(--hw-mono); }
.hw-kindview td:last-child { white-space: normal; }
.hw-kindview .hw-badge { white-space: nowrap; }
.hw-kindview td button { padding: 0 4px; height: auto; line-height: 17px; font-size: 12px;
  border-color: transparent; text-decoration: underline dotted; text-underline-offset: 2px;
  margin-left: -5px; }
.hw-kindview tr.hw-on button { border-color: var(--hw-pick); }
.hw-how dt { white-space: nowrap; color: var(--hw-fg); }
`;

const CLAIMS: Record<string, string> = {
  claimable: "claimable, as far as the verdict goes",
  "may form": "a kind that not every model has: it needs a skill that a small one may lack",
  exploratory: "exploratory: never more than a candidate, for no calibrated null is known",
};

export interface CardDoes {
  close: () => void;
  pick: (head: string) => void;
  measure: (kind: string) => void;
  confirm: (kind: string, head: string) => void;
}

export interface OpenState {
  card: Card;
  roles: Roles;
  published: Published;
  selection: string;
  /** Why nothing can be measured now; "" where it can. */
  idle: string;
  busy: boolean;
}

/** The card of one kind. */
export function openCard(
  { card, roles, published, selection, busy, idle }: OpenState,
  act: CardDoes,
): HTMLElement[] {
  const found = roles.kinds[card.name];
  const close = button("×", act.close, "close the card");
  const title = h("h3", "", evidence(card.evidence), card.title);
  const sub = [card.stage, card.category].join(" · ");
  const measure = button(found ? "measure again" : "measure", () => act.measure(card.name));
  const confirm = button(selection ? `confirm ${selection}` : "confirm", () =>
    act.confirm(card.name, selection),
  );
  measure.disabled = busy || Boolean(idle);
  confirm.disabled = measure.disabled || !selection || !card.proof_task;
  const how = selection ? `resamples it on ${card.proof_task}` : "select a head to confirm it";
  const why = idle || (card.proof_task ? how : "no task proves it: see the proof");
  const formula = h("div", "hw-math");
  formula.tabIndex = 0;
  aria(formula, { role: "group", label: `formula: ${card.words}` });
  formula.append(mathml(card.math) ?? h("code", "", card.formula));
  return [
    h("div", "hw-sidehead", title, close),
    h("div", "hw-small", sub),
    h("p", "", card.definition),
    h("div", "hw-verdictline", ...inThisModel(card, found)),
    ...(found?.best.length ? [bestHeads(found, roles, card.name, selection, act)] : []),
    ...citations(published, card.name, selection, act.pick),
    h("div", "hw-acts", measure, confirm, h("span", "hw-small", why)),
    formula,
    h("p", "hw-quiet", card.words),
    facts(card),
  ];
}

/** What was found, in words. */
function inThisModel(card: Card, found: Found | undefined): (Node | string)[] {
  const verdict = standing(found);
  if (!found) return [h("b", "", `${markOf(verdict)} ${verdict}`)];
  if (!found.measurable) return [h("b", "", `${markOf(verdict)} ${verdict}: `), found.reason];
  const counts = [CONSISTENT, CANDIDATE].map((word) => [word, found.counts[word] ?? 0] as const);
  const several = (word: string, n: number) => (word === CANDIDATE && n > 1 ? `${word}s` : word);
  const some = counts
    .filter(([, n]) => n)
    .map(([word, n]) => `${markOf(word)} ${n} ${several(word, n)}`);
  const on = [
    `on ${found.measured_on}`,
    `null ≤ ${number(found.null_max)}, threshold ${card.threshold}`,
    found.accuracy === null ? "" : `the model's accuracy there ${number(found.accuracy)}`,
    found.edits ? `with ${found.edits}` : "",
  ];
  return [
    h("b", "", some.join(", ") || "· no head"),
    h("span", "hw-quiet", ` ${on.filter(Boolean).join(" · ")}`),
    ...(found.stale ? [" ", h("span", "hw-badge", "before your edit")] : []),
  ];
}

function bestHeads(
  found: Found,
  roles: Roles,
  kind: string,
  selection: string,
  act: CardDoes,
): HTMLElement {
  const rows = found.best.map((one) => {
    const pick = button(one.head, () => act.pick(one.head), `select head ${one.head}`);
    const proof = roles.proofs.find((it) => it.kind === kind && it.head === one.head);
    const words = h("td", "", `${markOf(one.verdict)} ${one.verdict}`);
    words.title = one.reason;
    if (proof) words.append(" ", proved(proof));
    const se = one.se === null ? "" : ` ± ${number(one.se)}`;
    const value = h("td", "hw-num", number(one.score), h("span", "hw-quiet", se));
    const row = h("tr", one.head === selection ? "hw-on" : "", h("td", "", pick), value);
    row.append(h("td", "hw-num", pOf(one.p)), words);
    return row;
  });
  const names = ["head", "score", "p", "verdict"];
  const top = h("tr", "", ...names.map((name, i) => h("th", i % 3 ? "hw-num" : "", name)));
  return h("table", "", h("thead", "", top), h("tbody", "", ...rows));
}

/** What a proof came to. */
export function proved(proof: Proof, briefly = false): HTMLElement {
  const share = proof.share === null ? "–" : `${(100 * proof.share).toFixed(0)} %`;
  const long = proof.passed ? "✓ confirmed," : "✗ not confirmed,";
  const text = `${briefly ? long.charAt(0) : long} ${share}`;
  const made = h("span", "hw-badge", proof.stale ? `${text}, before your edit` : text);
  made.title = `${long} ${share}: ${proof.reason}`;
  return made;
}

function facts(card: Card): HTMLElement {
  const whose = card.threshold_origin === "paper" ? "from the paper" : "proposed here";
  const sign = card.proof_sign > 0 ? "falls" : "rises";
  const task = card.proof_task ? ` (on ${card.proof_task}: the logit difference ${sign})` : "";
  const rows: [string, Node | string][] = [
    ["measured on", card.data],
    ["unit", card.unit],
    ["null", card.null],
    ["threshold", `${card.threshold}, ${whose}: ${card.threshold_note}`],
    ["evidence", card.evidence],
    ["claim", CLAIMS[card.claim] ?? card.claim],
    ["proof", card.proof + task],
    ["pitfalls", h("ul", "", ...card.traps.map((trap) => h("li", "", trap)))],
    ["paper", card.source],
    ["also called", card.aliases.join(", ")],
    ["one with", card.shares && `${card.shares}: kinds of one measurement count once`],
  ];
  const shown = rows.filter(([, text]) => text);
  return h("dl", "", ...shown.flatMap(([name, text]) => [h("dt", "", name), h("dd", "", text)]));
}

/** How to read the board, where no card is open. */
export function howToRead(): HTMLElement[] {
  const rows: [string, string][] = [
    ["● consistent with", "over the threshold, beyond the null, and proved where that is needed"],
    ["○ candidate", "one of them, not all"],
    ["· no", "neither"],
    ["– not measurable here", "the model cannot do the task, or its shape does not allow it"],
    ["… not measured yet", "press measure on its card, or measure all"],
    ["A W D C P", "evidence: attention, weights, direct attribution, causal, probe"],
    ["solid edge", "some head is consistent with it"],
    ["dotted edge", "not every model has it"],
    ["dashed card", "exploratory: never more than a candidate"],
    ["folded corner", "heads that others published, in the model of this name"],
    ["bars", "heads of the stage by layer; filled consistent with, hollow candidate"],
  ];
  const list = rows.flatMap(([name, text]) => [h("dt", "", name), h("dd", "", text)]);
  return [
    h("div", "hw-sidehead", h("h3", "", "How to read this")),
    h("dl", "hw-how", ...list),
    h("p", "hw-quiet", "Open a card for its formula, its null and what would prove it."),
  ];
}
