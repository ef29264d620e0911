// The taxonomy: four stages, forty kinds, this model's heads in each; see
// headwidgets/widgets/taxonomy_view.py for its own traits. Cards and roles are the session's.

import type { AnyModel } from "@anywidget/types";
import { once } from "../lib/changing";
import { aria, h, on } from "../lib/dom";
import { isLive, STATIC, whenLive } from "../lib/live";
import { whenChanged } from "../lib/model";
import { type Published, readPublished } from "../lib/published";
import { Cancelled } from "../lib/rpc";
import { called, type Look, type Looked, type Own } from "../lib/session";
import { style } from "../lib/theme";
import type { Mount } from "../views";
import { board } from "./taxonomy-board";
import { howToRead, openCard } from "./taxonomy-card";
import {
  CANDIDATE,
  type Card,
  CONSISTENT,
  kept,
  type Roles,
  type RolesHeader,
  readRoles,
  standing,
  type Wanted,
} from "./taxonomy-data";
import { passport } from "./taxonomy-passport";
import { runner } from "./taxonomy-run";
import { TAXONOMY_STYLE } from "./taxonomy-style";
import { taxonomyTools } from "./taxonomy-tools";
import { type PartName, tabs, together } from "./together";
import type { Together } from "./together-data";

/** The traits of a view of the taxonomy. */
export interface KindsOwn extends Own, Wanted {
  /** The card that is open, or "". */
  kind: string;
  part: PartName;
  walk: string;
  step: string;
  broken: string[];
  task: string;
  candidates: boolean;
  /** Of the explorer: what is shown. */
  tab?: string;
}

/** What it reads of the session. */
export interface Kinds extends Looked {
  kinds: Card[];
  roles: RolesHeader;
  roles_data: DataView;
  together: Together;
}

const OWN = ["kind", "stage", "evidence", "verdict", "text"] as const;
const PLACE = ["part", "walk", "step", "broken", "task", "candidates"] as const;
const KEYS = ["kinds", "roles", "together", "published", "selection", "model"] as const;
const EMPTY = new DataView(new ArrayBuffer(0));
const none = readRoles({}, EMPTY);

/** Show the taxonomy in `root`, until the signal aborts. */
export const mountTaxonomy: Mount = ({ session: looked, own: model, ask }, root, signal) => {
  const own = model as unknown as AnyModel<KindsOwn>;
  const session = looked as unknown as Look<Kinds>;
  root.classList.add("hw-root", "hw-kindview");
  aria(root, { role: "region", label: "kinds of attention head" });
  const put = (name: string, value: unknown) => {
    own.set(name as "kind", value as string);
    own.save_changes();
  };
  const set = (name: (typeof OWN)[number], value: string) => put(name, value);
  const open = (kind: string) => set("kind", kind);
  // Only the explorer has tabs.
  const lab = own.get("tab")
    ? () => {
        own.set("tab", "succession");
        own.save_changes();
      }
    : undefined;
  const pick = (head: string) => {
    session.set("selection", head);
    session.save_changes();
  };
  const work = runner(looked, ask, () => draw(), signal);
  const tools = taxonomyTools({
    filter: set,
    all: () => work.run("score kinds", {}, "measuring every kind"),
    cancel: () => work.cancel(),
  });
  const cards = board({ open: (kind) => open(own.get("kind") === kind ? "" : kind), pick });
  const doing = {
    pick,
    close: () => {
      open("");
      cards.element.focus();
    },
    measure: (kind: string) => work.run("score kind", { kind }, `measuring ${kind}`),
    confirm: (kind: string, head: string) =>
      work.run("confirm kind", { kind, head }, `confirming ${head} as ${kind}`),
  };
  let wrong = "";
  const parts = tabs((name) => put("part", name));
  const both = together(looked, ask, {
    ...{ set: put, pick, again: () => draw() },
    run: (name, body, words) => {
      wrong = "";
      work.run(name, body, words);
    },
    why: (error) => {
      if (error instanceof Cancelled || signal.aborted) return;
      wrong = error.message;
      draw();
    },
  });
  const opened = part("the open card", cards.element);
  const known = part("passport of the selected head", cards.element);
  const halves = h("div", "hw-halves", cards.element, h("div", "hw-side", opened, known));
  root.replaceChildren(
    ...[style(TAXONOMY_STYLE), parts.element, tools.element, both.element, halves],
  );

  const cite = once(readPublished);
  const read = once((header: RolesHeader, data: DataView) => readRoles(header, data));
  // Each part is drawn anew only when something that it shows has changed.
  const drawBoard = once((...[all, roles, published, filter, kind, selection]: Shown) => {
    const wanted = JSON.parse(filter) as Wanted;
    const about = { roles, published, open: kind, selection };
    cards.draw({ cards: all, kept: kept(all, roles, wanted), ...about });
  });
  const drawCard = once((...[all, roles, published, , kind, selection, busy, idle]: Shown) => {
    const card = all.find((one) => one.name === kind);
    const about = { roles, published, selection, busy, idle };
    const now = () => (card ? openCard({ card, ...about }, doing) : howToRead());
    if (opened.dataset.of !== kind) opened.scrollTop = 0;
    opened.dataset.of = kind;
    redraw(opened, now);
  });
  const drawPassport = once((roles: Roles, by: Published, selection: string, total: number) =>
    redraw(known, () => passport(roles, by, selection, total, open, lab)),
  );
  function draw(): void {
    const all = session.get("kinds") ?? [];
    let [roles, broken] = [none, ""];
    try {
      roles = read(session.get("roles"), session.get("roles_data") ?? EMPTY);
    } catch (error) {
      broken = String(error);
    }
    const [stage, evidence, verdict, text] = OWN.slice(1).map((name) => own.get(name) ?? "");
    const wanted = { stage, evidence, verdict, text } as Wanted;
    const [kind, selection] = [own.get("kind") ?? "", session.get("selection") ?? ""];
    const live = isLive(session);
    const idle = live ? "" : STATIC;
    tools.draw({
      board: (own.get("part") || "kinds") === "kinds",
      ...{
        wanted,
        running: work.now,
        why: work.why || wrong || broken,
        can: live && all.length > 0,
      },
      stages: [...new Set(all.map((card) => card.stage))],
      said: said(all, roles, wanted, session.get("model"), live),
    });
    const [shown, walk, step] = PLACE.map((name) => String(own.get(name) || ""));
    parts.draw(shown || "kinds");
    halves.hidden = !all.length || (shown || "kinds") !== "kinds";
    both.draw({
      ...{ part: shown || "kinds", walk: walk || "ioi", step: step ?? "", selection, live },
      ...{ broken: own.get("broken") ?? [], task: own.get("task") ?? "ioi" },
      ...{ candidates: Boolean(own.get("candidates")), running: work.now },
      found: session.get("together") ?? {},
    });
    root.dataset.hwPart = shown || "kinds";
    const filter = JSON.stringify(wanted);
    const published = cite(session.get("published"));
    drawBoard(all, roles, published, filter, kind, selection, false, "");
    drawCard(all, roles, published, "", kind, selection, Boolean(work.now), idle);
    drawPassport(roles, published, selection, all.length);
    const busy = work.now || (live && !all.length);
    root.dataset.hwState = broken ? "error" : busy ? "busy" : "ready";
    root.dataset.hwHead = selection;
    root.dataset.hwKind = kind;
  }
  whenChanged(session, KEYS, draw, signal);
  whenChanged(own, [...OWN, ...PLACE], draw, signal);
  whenLive(looked, draw, signal);
  signal.addEventListener("abort", () => root.replaceChildren());
};

/** Cards, roles, what was published, filter, open card, selected head; whether it is busy, why it is idle. */
type Shown = [Card[], Roles, Published, string, string, string, boolean, string];

/** A part beside the board; Escape leads back to it. */
function part(label: string, back: HTMLElement): HTMLElement {
  const made = aria(h("section", "hw-open"), { label });
  made.tabIndex = 0;
  on(made, "keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    back.focus();
  });
  return made;
}

/** Draw a part anew; the button that had the focus, by its words, has it again. */
function redraw(whole: HTMLElement, make: () => HTMLElement[]): void {
  const active = whole.contains(document.activeElement) ? document.activeElement : null;
  const called = (one: Element | null) => one?.getAttribute("aria-label") ?? one?.textContent;
  const name = called(active);
  const top = whole.scrollTop;
  whole.replaceChildren(...make());
  whole.scrollTop = top;
  if (!active || active === whole) return;
  const again = [...whole.querySelectorAll("button")].find((one) => called(one) === name);
  (again && !again.disabled ? again : whole).focus();
}

/** What was found, in a line. */
function said(
  cards: Card[],
  roles: Roles,
  wanted: Wanted,
  model: Record<string, unknown>,
  live: boolean,
): string {
  if (!cards.length) return live ? "reading the kinds" : `${STATIC} to see the kinds of head`;
  const verdicts = cards.map((card) => standing(roles.kinds[card.name]));
  const count = (word: string) => verdicts.filter((one) => one === word).length;
  const measured = Object.values(roles.kinds).filter((one) => one.measurable).length;
  const keeps = kept(cards, roles, wanted).length;
  const stale = Object.values(roles.kinds).filter((one) => one.stale).length;
  const parts = [
    called(model),
    `${measured} of ${cards.length} kinds measured`,
    `● ${count(CONSISTENT)} with a head consistent with it`,
    `○ ${count(CANDIDATE)} with candidates`,
    stale ? `${stale} before your edit` : "",
    keeps < cards.length ? `${keeps} shown` : "",
  ];
  return parts.filter(Boolean).join(" · ");
}
