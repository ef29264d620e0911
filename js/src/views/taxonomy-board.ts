// The board: four lanes, their categories, a card a kind; one tab stop, arrows go by place.

import { aria, h, on } from "../lib/dom";
import { inALine, type Published } from "../lib/published";
import { css } from "../lib/theme";
import { onKeys } from "./cell-grid";
import { fold } from "./published-marks";
import {
  type Best,
  type Card,
  depth,
  type Found,
  markOf,
  NOT_MEASURABLE,
  NOT_YET,
  number,
  pOf,
  type Roles,
  spoken,
  standing,
} from "./taxonomy-data";
import { depthStrip } from "./taxonomy-depth";

export const BOARD_STYLE = css`
.hw-board { overflow-y: auto; outline: none; border-radius: 4px; padding: 2px; position: relative; }
.hw-board:focus-visible { box-shadow: 0 0 0 2px var(--hw-accent); }
.hw-lane { margin-bottom: 8px; }
.hw-lanehead { display: flex; flex-wrap: wrap; gap: 0 16px; align-items: center;
  justify-content: space-between; border-bottom: 1px solid var(--hw-line); padding: 2px 2px 3px;
  position: sticky; top: -2px; background: var(--hw-bg); z-index: 1; }
.hw-lanehead > b { font-size: 13px; }
.hw-cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(154px, 1fr)); gap: 2px 7px;
  padding-top: 2px; }
.hw-cat { font-size: 11px; color: var(--hw-quiet); height: 17px; line-height: 17px; overflow: hidden;
  white-space: nowrap; text-overflow: ellipsis; }
.hw-kind { position: relative; box-sizing: border-box; height: 68px; border-radius: 5px;
  border: 1px solid var(--hw-line); padding: 3px 6px; cursor: pointer; overflow: hidden; font-size: 12px; }
.hw-board.hw-tall .hw-kind { height: 83px; }
.hw-kind > .hw-cites { letter-spacing: -.02em; }
.hw-kind > div { white-space: nowrap; overflow: hidden; text-overflow: ellipsis; line-height: 15px; }
.hw-kind:hover { border-color: var(--hw-quiet); }
.hw-kind.hw-may { border-left: 3px dotted var(--hw-quiet); padding-left: 4px; }
.hw-kind.hw-exploratory { border-style: dashed; border-color: var(--hw-quiet); }
.hw-kind.hw-claimed { border-left: 3px solid var(--hw-fg); padding-left: 4px; }
.hw-kind.hw-mute > div { color: var(--hw-quiet); font-weight: 400; }
.hw-kind[aria-selected="true"] { box-shadow: inset 0 0 0 2px var(--hw-accent); }
.hw-board:focus-visible .hw-at { outline: 2px solid var(--hw-fg); outline-offset: 1px; }
.hw-kindname { font-weight: 600; font-size: 11.5px; letter-spacing: -.02em; }
.hw-ev { display: inline-block; width: 13px; height: 13px; line-height: 13px; font-size: 10px;
  font-weight: 600; text-align: center; border: 1px solid var(--hw-quiet); border-radius: 2px;
  margin-right: 5px; font-family: var(--hw-mono); vertical-align: 1px; }
.hw-role { font-family: var(--hw-mono); font-size: 12px; border-radius: 3px; padding: 0 3px;
  margin-left: -3px; margin-right: 5px; }
.hw-role:hover { background: var(--hw-soft); }
.hw-role.hw-on { box-shadow: inset 0 0 0 1.5px var(--hw-pick); }
.hw-small { font-size: 11px; color: var(--hw-quiet); }
.hw-kind .hw-small { line-height: 14px; }
.hw-kind > .hw-because { white-space: normal; height: 28px; }
.hw-old .hw-role { color: var(--hw-quiet); font-style: italic; }
.hw-nothing { padding: 20px; color: var(--hw-quiet); text-align: center; }
`;

/** What a board draws. */
export interface BoardState {
  cards: Card[];
  /** Those that the filter keeps. */
  kept: Card[];
  roles: Roles;
  published: Published;
  open: string;
  selection: string;
}

interface Does {
  open: (kind: string) => void;
  pick: (head: string) => void;
}

/** A letter in a box: the class of a kind's evidence. */
export function evidence(name: string): HTMLElement {
  const made = h("span", "hw-ev", name.charAt(0).toUpperCase());
  made.title = `evidence: ${name}`;
  return aria(made, { hidden: true });
}

export function board(act: Does) {
  const id = `hw-${Math.random().toString(36).slice(2)}`;
  const element = aria(h("div", "hw-board"), {
    role: "grid",
    label: "kinds of head by stage; Enter opens a card",
  });
  let state: BoardState | undefined;
  let cursor = 0;

  const name = () => state?.kept[cursor]?.name ?? "";
  const boxes = () => [...element.querySelectorAll<HTMLElement>(".hw-kind")];
  const mark = () => {
    boxes().forEach((box, i) => {
      box.classList.toggle("hw-at", i === cursor);
    });
    aria(element, { activedescendant: `${id}-${cursor}` });
  };
  const move = (to: number) => {
    cursor = Math.max(0, Math.min((state?.kept.length ?? 1) - 1, to));
    mark();
    boxes()[cursor]?.scrollIntoView?.({ block: "nearest" });
  };
  /** The card above or below: of the nearest row in that direction, the nearest in it. */
  const beyond = (step: 1 | -1): number => {
    const all = boxes().map((box) => box.getBoundingClientRect());
    const here = all[cursor];
    if (!here) return cursor;
    const there = all
      .map((box, i) => ({ i, down: step * (box.top - here.top), over: box.left - here.left }))
      .filter(({ down }) => down > 4);
    const row = Math.min(...there.map(({ down }) => down));
    const near = there.filter(({ down }) => down < row + 4);
    near.sort((a, b) => Math.abs(a.over) - Math.abs(b.over));
    return near[0]?.i ?? cursor;
  };
  const moves = ({ key }: KeyboardEvent): Record<string, number> => ({
    ArrowLeft: cursor - 1,
    ArrowRight: cursor + 1,
    ...(key === "ArrowUp" ? { ArrowUp: beyond(-1) } : {}),
    ...(key === "ArrowDown" ? { ArrowDown: beyond(1) } : {}),
    Home: 0,
    End: (state?.kept.length ?? 1) - 1,
  });
  onKeys(element, { pick: act.open, point: () => {} }, name, moves, move);
  on(element, "click", (event) => {
    const target = event.target as Element;
    const box = target.closest<HTMLElement>(".hw-kind");
    if (!box) return;
    move(boxes().indexOf(box));
    const head = target.closest<HTMLElement>(".hw-role")?.dataset.head;
    if (head) act.pick(head);
    else act.open(box.dataset.kind ?? "");
  });

  function draw(next: BoardState): void {
    const was = name();
    state = next;
    const { cards, roles } = next;
    element.classList.toggle("hw-tall", next.published.kinds.size > 0);
    const stages = [...new Set(cards.map((card) => card.stage))];
    const depths = stages.map((stage) =>
      depth(
        roles,
        cards.filter((card) => card.stage === stage).map((card) => card.name),
      ),
    );
    const most = Math.max(1, ...depths.flat().map(([sure, maybe]) => sure + maybe));
    const lanes = stages.map((stage, i) => lane(next, stage, i, depthStrip(depths[i] ?? [], most)));
    const top = element.scrollTop;
    element.replaceChildren(...lanes.filter((one) => one !== null));
    if (!next.kept.length) element.append(nothing());
    element.scrollTop = top;
    boxes().forEach((box, i) => {
      box.id = `${id}-${i}`;
    });
    const at = next.kept.findIndex((card) => card.name === was);
    cursor = Math.max(0, at);
    mark();
  }
  return { element, draw };
}

function nothing(): HTMLElement {
  const cell = aria(h("div", "hw-nothing", "no kind passes this filter"), { role: "gridcell" });
  return aria(h("div", "", cell), { role: "row" });
}

/** One stage: its heading with its depth, and its cards. */
function lane(state: BoardState, stage: string, i: number, strip: HTMLElement): HTMLElement | null {
  const mine = state.kept.filter((card) => card.stage === stage);
  if (!mine.length) return null;
  const head = h("div", "hw-lanehead", h("b", "", `${i + 1}  ${stage}`), strip);
  aria(head, { role: "rowheader" });
  let category = "";
  const cards = mine.map((card) => {
    const label = aria(h("div", "hw-cat", card.category === category ? "" : card.category), {
      hidden: true,
    });
    category = card.category;
    return h("div", "", label, kindCard(card, state));
  });
  return aria(h("div", "hw-lane", head, h("div", "hw-cards", ...cards)), { role: "row" });
}

const CLAIM: Record<string, string> = { "may form": " hw-may", exploratory: " hw-exploratory" };

/** One kind, with its best heads. */
function kindCard(card: Card, state: BoardState): HTMLElement {
  const { roles, published, open, selection } = state;
  const found = roles.kinds[card.name];
  const verdict = standing(found);
  const loud = verdict === "consistent with" ? " hw-claimed" : (CLAIM[card.claim] ?? "");
  const mute = verdict === NOT_MEASURABLE || verdict === NOT_YET ? " hw-mute" : "";
  const title = h("div", "hw-kindname", evidence(card.evidence), card.name);
  const rows = found?.best.length
    ? heads(found, verdict, selection)
    : [
        h("div", "", `${markOf(verdict)} ${verdict}`),
        h("div", "hw-small hw-because", found?.reason ?? ""),
      ];
  const old = found?.stale ? " hw-old" : "";
  const cites = inALine(published, card.name);
  const cited = h("div", "hw-small hw-cites", fold(), inALine(published, card.name, true));
  cited.title = `published: ${cites}`;
  const box = h("div", `hw-kind${loud}${mute}${old}`, title, ...rows, ...(cites ? [cited] : []));
  box.dataset.kind = card.name;
  box.dataset.verdict = verdict;
  box.title = card.definition;
  const label = [spoken(card, found), ...(cites ? [cited.title] : [])].join(", ");
  return aria(box, { role: "gridcell", selected: card.name === open, label });
}

function heads(found: Found, verdict: string, selection: string): HTMLElement[] {
  const [first, ...others] = found.best;
  const more = others.filter((one) => one.verdict !== "no").slice(0, 2);
  const numbers = `null ${number(found.null_max)} · p ${pOf(first?.p)}`;
  const words = found.stale ? "before your edit" : found.edits ? `with ${found.edits}` : verdict;
  return [
    h(
      "div",
      "",
      ...(first ? [role(first, selection, number(first.score))] : []),
      ...more.map((one) => role(one, selection)),
    ),
    h("div", "hw-small", numbers),
    h("div", "hw-small", words),
  ];
}

/** A head that can be clicked; by keys it is reached in the open card. */
function role(one: Best, selection: string, value = ""): HTMLElement {
  const text = [`${markOf(one.verdict)} ${one.head}`, value].filter(Boolean).join("  ");
  const made = h("span", `hw-role${one.head === selection ? " hw-on" : ""}`, text);
  made.dataset.head = one.head;
  made.title = `head ${one.head}: ${one.verdict}; ${one.reason}`;
  return made;
}
