// The grid of heads: any score, sweep or frame; see headwidgets/widgets/grid.py for its traits.
// Reads selection, edits and edit_kind of the session and sets them; asks Python to measure.

import type { AnyModel } from "@anywidget/types";
import { once } from "../lib/changing";
import { aria, button, h } from "../lib/dom";
import { RULER } from "../lib/heatmap";
import { isLive, STATIC, whenLive } from "../lib/live";
import { whenChanged } from "../lib/model";
import { readPublished } from "../lib/published";
import type { Own } from "../lib/session";
import { style } from "../lib/theme";
import type { Edit } from "../state";
import type { Mount } from "../views";
import { headCard } from "./grid-card";
import { cellSize, type GridState, MOST_HIGH, tableGrid } from "./grid-cells";
import { legend, progress, said, scale, type Waiting } from "./grid-foot";
import { rankList } from "./grid-list";
import { GRID_STYLE } from "./grid-style";
import {
  type Badges,
  filtered,
  ranked,
  readTable,
  type Table,
  type TableHeader,
} from "./grid-table";
import { gridTools } from "./grid-tools";
import { onLooks, type Paint, paintOf } from "./paint";

/** A grid's own traits. */
export interface GridOwn extends Own {
  grid: string;
  score: string;
  choices: { name: string; title: string; group: string }[];
  table: TableHeader;
  table_data: DataView;
  /** What heads are known to be, by any score: "9.6" to its kinds. */
  badges: Badges;
  stale: boolean;
  sort: "grid" | "value";
  find: string;
  only: string;
}

export const OWN = [
  "score",
  "choices",
  "table",
  "badges",
  "stale",
  "sort",
  "find",
  "only",
] as const;
const KEYS = ["selection", "edits", "model", "edit_kind", "published"] as const;

/** Show a grid in `root`, until the signal aborts. */
export const mountGrid: Mount = ({ session, own: model, ask }, root, signal) => {
  const own = model as unknown as AnyModel<GridOwn>;
  root.classList.add("hw-root", "hw-grid");
  aria(root, { role: "region", label: "grid of heads" });
  const set = (name: "score" | "sort" | "find" | "only", value: string) => {
    own.set(name, value as never);
    own.save_changes();
  };
  let table: Table | null = null;
  let pointed = "";
  let waiting: Waiting | null = null;
  let why = "";
  let paint: Paint = paintOf(root);

  const act = {
    selects: true,
    pick: (head: string) => {
      session.set("selection", head);
      session.save_changes();
    },
    toggle: (head: string) => {
      const kind = session.get("edit_kind");
      if (!kind || refused("edit")) return;
      session.set("edits", toggled(session.get("edits"), head, kind));
      session.save_changes();
    },
    point: (head: string) => {
      pointed = head;
      showCard();
    },
  };
  const refused = (to: string) => {
    if (isLive(session)) return false;
    why = `${STATIC} to ${to}`;
    draw();
    return true;
  };
  const measure = (score: string, fresh: boolean) => {
    if (refused("measure")) return;
    waiting?.stop.abort();
    const mine: Waiting = {
      score,
      part: 0,
      words: `measuring ${score}`,
      stop: new AbortController(),
    };
    waiting = mine;
    why = "";
    draw();
    const again = (words: string, part = mine.part) => {
      Object.assign(mine, { words, part });
      if (waiting === mine) draw();
    };
    ask(
      "measure",
      { grid: own.get("grid"), score, fresh },
      {
        key: `measure ${own.get("grid")}`,
        signal: mine.stop.signal,
        onProgress: ({ done, total, label }) =>
          again(label || mine.words, total ? done / total : 0),
        onSilence: () => again("the kernel is busy: this will be measured when it is free"),
      },
    )
      .catch((error: Error) => {
        if (waiting === mine && error.name !== "Cancelled") why = error.message;
      })
      .finally(() => {
        if (waiting === mine) waiting = null;
        if (!signal.aborted) draw();
      });
  };

  const cells = tableGrid(act);
  const list = rankList(act);
  const card = headCard(act.toggle, (kind) => {
    session.set("edit_kind", kind);
    session.save_changes();
  });
  const tools = gridTools({
    score: (name) => measure(name, false),
    ...{ sort: (to) => set("sort", to), find: (text) => set("find", text) },
    only: (verdict) => set("only", own.get("only") === verdict ? "" : verdict),
  });
  const about = h("div", "hw-about");
  const pair = h("div", "hw-pair", cells.element, list.element, card.element);
  const [foot, marks] = [h("div", ""), legend()];
  const below = h("div", "hw-below", foot, marks.element);
  root.replaceChildren(style(GRID_STYLE), tools.element, about, pair, below);

  const showCard = () => {
    const head = pointed || session.get("selection");
    const known = session.get("edit_kind");
    const more = { badges: own.get("badges") ?? {}, published: publishedOf() };
    if (table) card.draw(table, head, session.get("edits"), known, more);
  };
  const read = once(readTable);
  const keepOf = once(filtered);
  const orderOf = once(ranked);
  const cite = once(readPublished);
  const publishedOf = () => cite(session.get("published"));
  const draw = () => {
    const header = own.get("table") ?? {};
    let broken = "";
    try {
      table = read(header, own.get("table_data"));
    } catch (error) {
      [table, broken] = [null, String(error)];
    }
    const byValue = own.get("sort") === "value";
    const stale = own.get("stale");
    if (table) {
      const keep = keepOf(table, own.get("find") ?? "", own.get("only") ?? "");
      const state: GridState = {
        ...{ table, keep, order: orderOf(table, keep) },
        ...{ selection: session.get("selection"), edits: session.get("edits") },
        ...{ badges: own.get("badges") ?? {}, published: publishedOf() },
      };
      const room = (root.clientWidth || 720) - 26;
      const beside = room >= 780 ? room - 290 : room;
      cells.element.hidden = byValue;
      list.element.hidden = !byValue;
      const [, high] = cellSize(beside, table.heads);
      const height = Math.min(MOST_HIGH, RULER + high * table.layers + 2);
      if (byValue) list.draw(state, Math.max(200, height), paint);
      else cells.draw(state, beside, paint);
      tools.draw(table, own, keep, waiting?.score);
      marks.draw(state.published, state.badges);
      showCard();
    }
    about.textContent = table ? said(table, !waiting) : "";
    pair.classList.toggle("hw-stale", stale);
    const canMeasure = Boolean(own.get("score")) && !waiting;
    const again = stale || Boolean(header.incomplete);
    foot.replaceChildren(
      ...scale(table, paint),
      ...(stale ? [h("span", "hw-badge", "before your edit")] : []),
      ...(again && canMeasure
        ? [button("measure again", () => measure(own.get("score"), true))]
        : []),
      ...(waiting ? progress(waiting) : []),
      ...(why || broken ? [h("span", "hw-why", why || broken)] : []),
    );
    root.dataset.hwState = broken ? "error" : waiting ? "busy" : "ready";
    root.dataset.hwRevision = String(header.revision ?? "");
    root.dataset.hwHead = session.get("selection");
    root.dataset.hwScore = own.get("score");
  };
  whenChanged(session, KEYS, draw, signal);
  whenChanged(own, OWN, draw, signal);
  whenLive(session, draw, signal);
  let frame = 0;
  onLooks(
    root,
    () => {
      frame ||= requestAnimationFrame(() => {
        frame = 0;
        paint = paintOf(root);
        draw();
      });
    },
    signal,
  );
  signal.addEventListener("abort", () => {
    cancelAnimationFrame(frame);
    waiting?.stop.abort();
    root.replaceChildren();
  });
};

/** The edits with one of `kind` on a head's every position added, or taken away. */
export function toggled(edits: Edit[], head: string, kind: Edit["kind"]): Edit[] {
  const is = (edit: Edit) =>
    edit.target === head && edit.kind === kind && (edit.at === null || edit.at === undefined);
  if (edits.some(is)) return edits.filter((edit) => !is(edit));
  const made: Edit = { kind, target: head, at: null };
  if (kind === "scale") made.factor = 0.5;
  if (kind === "patch") made.into = edits.find((edit) => edit.kind === "patch")?.into ?? "clean";
  return [...edits, made];
}
