// One head in words: its number, what the number has to beat, the verdict and why, its edits.

import { aria, button, h } from "../lib/dom";
import { words } from "../lib/heatmap";
import type { Published } from "../lib/published";
import { css } from "../lib/theme";
import { type Edit, headsOf, say, TOGGLES } from "../state";
import { GLYPHS } from "./cell-marks";
import {
  atOf,
  type Badges,
  NOT_YET,
  reasonOf,
  short,
  standing,
  type Table,
  verdictOf,
} from "./grid-table";
import { claimLines } from "./published-marks";

export const CARD_STYLE = css`
.hw-headcard { flex: 1 1 250px; min-width: 0; max-width: 460px; min-height: 193px;
  box-sizing: border-box; display: flex; flex-direction: column; gap: 3px; }
.hw-headcard .hw-big { display: flex; flex-wrap: wrap; align-items: baseline; gap: 2px 12px;
  font-size: 15px; }
.hw-big b { font-weight: 600; }
.hw-big span { font-family: var(--hw-mono); }
.hw-facts { font-family: var(--hw-mono); font-size: 12px; min-height: 2.9em; color: var(--hw-quiet);
  display: flex; flex-wrap: wrap; gap: 0 12px; align-content: start; }
.hw-facts span { white-space: nowrap; }
.hw-verdict { font-weight: 600; min-height: 1.45em; }
.hw-reason { color: var(--hw-quiet); min-height: 2.9em; overflow-wrap: anywhere; }
.hw-onit, .hw-known { min-height: 1.45em; }
.hw-headcard .hw-claims { min-height: 2.9em; }
.hw-kinds { display: flex; flex-wrap: wrap; gap: 4px 10px; align-items: center; margin-top: auto; }
`;

export function headCard(toggle: (head: string) => void, choose: (kind: Edit["kind"]) => void) {
  let head = "";
  const big = h("div", "hw-big");
  const facts = h("div", "hw-facts");
  const verdict = h("div", "hw-verdict");
  const reason = h("div", "hw-reason");
  const badge = h("div", "hw-known");
  const claims = h("div", "hw-claims");
  const onIt = h("div", "hw-onit");
  const doIt = button("", () => toggle(head));
  const kinds = TOGGLES.map((kind) => {
    const one = button(GLYPHS[kind], () => choose(kind), kind);
    one.title = kind;
    return { kind, one };
  });
  const join = h("span", "hw-join", ...kinds.map(({ one }) => one));
  aria(join, { role: "group", label: "what Space does to a head" });
  const edits = h("div", "hw-kinds", doIt, join);
  const element = h(
    "div",
    "hw-headcard",
    ...[big, verdict, facts, reason, badge, claims, onIt, edits],
  );

  function draw(
    table: Table,
    name: string,
    all: Edit[],
    kind: Edit["kind"] | undefined,
    { badges, published }: { badges: Badges; published: Published },
  ): void {
    head = name;
    claims.hidden = !published.heads.size;
    const at = atOf(table, name);
    const known = at >= 0;
    edits.hidden = !kind;
    doIt.hidden = !known;
    const on = all.filter((edit) => headsOf(edit).includes(name));
    if (kind) {
      const there = on.some((edit) => edit.kind === kind && (edit.at ?? null) === null);
      doIt.textContent = `${there ? "undo" : "edit"} ${name}: ${GLYPHS[kind]} ${kind}`;
      doIt.title = "Space";
      for (const { kind: other, one } of kinds) aria(one, { pressed: other === kind });
    }
    onIt.textContent = on.map((edit) => `${GLYPHS[edit.kind]} ${say(edit)}`).join("; ");
    if (!known) {
      big.replaceChildren(h("span", "hw-quiet", "point at a head"));
      for (const part of [facts, verdict, reason, badge, claims]) part.replaceChildren();
      return;
    }
    const value = table.value[at] ?? Number.NaN;
    const said = verdictOf(table, at);
    const unit = table.header.unit && table.header.unit.length < 12 ? ` ${table.header.unit}` : "";
    big.replaceChildren(
      h("b", "", `head ${name}`),
      h("span", "", said === NOT_YET ? "" : words(value) + unit),
    );
    facts.replaceChildren(...numbers(table, at).map((text) => h("span", "", text)));
    claims.replaceChildren(...claimLines(published, name));
    badge.textContent = badges[name] ? `known here as ${badges[name].join(", ")}` : "";
    verdict.textContent = `${["", "○ ", "● "][standing(said)]}${said}`;
    reason.textContent = reasonOf(table, at);
  }
  return { element, draw };
}

/** What stands beside the value. */
function numbers({ columns, header }: Table, at: number): string[] {
  const get = (name: string) => columns.get(name)?.[at] ?? Number.NaN;
  const out: string[] = [];
  const put = (label: string, value: number, text: string) => {
    if (Number.isFinite(value)) out.push(`${label} ${text}`);
  };
  put("95 %", get("low") + get("high"), `${short(get("low"))} to ${short(get("high"))}`);
  put("of clean − corrupted", get("normalised"), `${(100 * get("normalised")).toFixed(0)} %`);
  put("p", get("p"), `= ${get("p").toFixed(3)}`);
  put("null", get("null_mean"), short(get("null_mean")));
  if (header.threshold !== undefined) out.push(`threshold ${header.threshold}`);
  return out;
}
