// The sweeps of the patch panel: what to sweep, what it costs, its cells as they arrive, and the
// edit that a cell stands for. Nothing is asked of Python before it is opened.

import { aria, button, h, on } from "../lib/dom";
import { isLive, STATIC } from "../lib/live";
import type { Ask } from "../lib/session";
import { css } from "../lib/theme";
import { type Edit, say } from "../state";
import { CELLS_STYLE } from "./cell-grid";
import { type OwnLook, type Seen, said } from "./panel-data";
import { copying } from "./panel-more";
import { refusal, select } from "./panel-parts";
import { among, cellWords, editOf, layerOf, readSwept, type Swept, strongest } from "./sweep-data";
import { sweepGrid } from "./sweep-grid";

export const SWEEP_STYLE =
  css`
.hw-sweep summary { cursor: pointer; min-height: 24px; width: fit-content; padding-right: 6px; }
.hw-sweep > div { margin-top: 6px; }
.hw-sweep progress { width: 90px; height: 8px; accent-color: var(--hw-accent); }
.hw-sweep p { margin: 4px 0 0; min-height: 1.45em; overflow-wrap: anywhere; }
.hw-sweep .hw-told { min-height: 2.9em; }
.hw-sweep .hw-stale canvas { filter: grayscale(1); opacity: .55; }
.hw-strip-of { width: 90px; height: 9px; border-radius: 2px; border: 1px solid var(--hw-line); }
.hw-sweep .hw-number { font: 12px var(--hw-mono); }
.hw-sweep .hw-heads canvas { max-width: none; }
` + CELLS_STYLE;

const HOW = {
  kind: [
    ["patch", "patch"],
    ["zero", "zero"],
    ["mean", "mean"],
    ["resample", "resample"],
  ],
  over: [
    ["heads", "heads"],
    ["heads x positions", "heads × positions"],
    ["positions x layers", "positions × layers"],
  ],
  direction: [
    ["denoise", "denoise: clean into corrupted"],
    ["noise", "noise: corrupted into clean"],
  ],
  at: [
    ["", "everywhere"],
    ["end", "at the end"],
  ],
};

export function sweeps(
  session: Seen,
  own: OwnLook,
  ask: Ask,
  toggle: (edit: Edit) => void,
  root: HTMLElement,
  signal: AbortSignal,
) {
  const live = () => isLive(session);
  const kind = select("what each edit does", HOW.kind);
  const over = select("what is edited", HOW.over);
  const direction = select("direction of the patch", HOW.direction);
  const at = select("where each edit is made", HOW.at);
  const go = button("run", () => (stop ? stop.abort() : run()));
  const [bar, line, why] = [h("progress", ""), h("p", "hw-quiet"), refusal()];
  aria(bar, { label: "sweep" });
  aria(line, { live: "polite" });
  const told = h("p", "hw-told");
  const about = h("p", "hw-quiet");
  const badge = h("span", "hw-badge", "before your change");
  const layer = select("layer", []);
  let stop: AbortController | undefined;
  let cost = "";
  let asked = "";
  let chosen: number | null = null;
  let layerNow = 0;
  let pointed = -1;
  let swept: Swept | null = null;
  let read: unknown;

  const grid = sweepGrid(root, signal, {
    pick: (i) => swept?.done[i] && toggle(editOf(swept.found, i)),
    point: (i) => {
      pointed = i;
      tell();
    },
  });
  const copy = copying(
    "this sweep as Python",
    async () => {
      const { body } = await ask("sweep_python", { panel: own.get("panel") }, { signal });
      return String(body.python);
    },
    (text) => line.replaceChildren(text),
  );
  const options = () => ({
    ...{ kind: kind.value, over: over.value, direction: direction.value },
    at: over.value === "heads" && at.value ? at.value : null,
  });
  const estimate = () => {
    if (!box.open || !live() || stop) return;
    const key = JSON.stringify([options(), session.get("revision")]);
    if (key === asked) return;
    asked = key;
    why.say("");
    ask("sweep_cost", options(), { key: `cost ${own.get("panel")}`, signal })
      .then(({ body }) => {
        const [edits, n] = [Number(body.edits), Number(body.prompts)];
        cost = `${edits.toLocaleString("en")} edits on ${n} prompt${n > 1 ? "s" : ""}, about ${passes(Number(body.forwards))}`;
        line.textContent = cost;
      })
      .catch((error) => {
        line.textContent = cost = "";
        why.tell(error);
      });
  };
  const run = () => {
    const mine = new AbortController();
    const end = () => mine.abort();
    stop = mine;
    signal.addEventListener("abort", end, { once: true });
    chosen = null;
    why.say("");
    bar.removeAttribute("value");
    draw();
    ask(
      "sweep",
      { panel: own.get("panel"), ...options() },
      {
        ...{ key: `sweep ${own.get("panel")}`, signal: mine.signal },
        onProgress: ({ done, total }) => {
          bar.value = total ? done / total : 0;
        },
      },
    )
      .catch(why.tell)
      .finally(() => {
        signal.removeEventListener("abort", end);
        stop = undefined;
        if (!signal.aborted) draw();
      });
  };
  for (const one of [kind, over, direction, at]) {
    on(one, "change", () => {
      draw();
      estimate();
    });
  }
  on(layer, "change", () => {
    chosen = Number(layer.value);
    draw();
  });

  const controls = h("div", "hw-bar", kind, over, direction, at, go, bar, why.element);
  const foot = h("div", "hw-bar", layer, grid.scale, badge, h("span", "hw-end", copy.copy));
  const shown = h("div", "", about, grid.element, told, foot, copy.box);
  const box = h("details", "hw-sweep", h("summary", "", "sweep: edit each, one at a time"));
  box.append(h("div", "", controls, line), shown);
  on(box, "toggle", () => draw());

  const tell = () => {
    const i = swept ? (pointed < 0 ? strongest(swept.effect) : pointed) : 0;
    if (!swept) return told.replaceChildren();
    const edit = editOf(swept.found, i);
    const does = among(session.get("edits") ?? [], edit) ? "click removes" : "click adds";
    const lead = pointed < 0 ? "strongest: " : "";
    const act = live() && pointed >= 0 && swept.done[i] ? ` · ${does} “${say(edit)}”` : "";
    told.textContent = `${lead}${cellWords(swept, i)}${act}`;
  };
  const draw = () => {
    const found = own.get("found") ?? {};
    if (read !== found) {
      swept = readSwept(found, own.get("found_data"));
      read = found;
      if (swept && chosen === null) layerNow = layerOf(swept, layerNow);
    }
    if (chosen !== null) layerNow = chosen;
    box.dataset.hwState = stop ? "busy" : "ready";
    box.dataset.hwSweep = found.incomplete ?? (swept ? "whole" : "");
    if (!box.open) return;
    direction.hidden = kind.value !== "patch";
    at.hidden = over.value !== "heads";
    for (const one of [kind, over, direction, at]) one.disabled = !live() || Boolean(stop);
    go.disabled = !live();
    go.textContent = stop ? "cancel" : "run";
    bar.hidden = !stop;
    if (!live()) line.textContent = `${STATIC} to sweep`;
    estimate();
    shown.hidden = !swept;
    if (!swept) return;
    const settled = stop
      ? (found.incomplete ?? "")
      : (found.incomplete ?? "").replace("so far", "stopped:");
    about.textContent = [
      settled,
      found.edit,
      found.over?.replace("x", "×"),
      found.measured_on,
      found.note,
    ]
      .filter(Boolean)
      .join(" · ");
    badge.hidden = !own.get("found_stale");
    grid.element.classList.toggle("hw-stale", own.get("found_stale"));
    layer.hidden = found.over !== "heads x positions";
    const layers = Array.from({ length: found.layers ?? 0 }, (_, i) => [String(i), `layer ${i}`]);
    if (layer.options.length !== layers.length)
      layer.replaceChildren(...select("", layers).options);
    layer.value = String(layerNow);
    copy.copy.disabled = !live() || Boolean(stop || found.incomplete);
    grid.draw(swept, layerNow, session.get("edits") ?? []);
    tell();
  };
  return { element: box, draw };
}

/** How many whole runs of a prompt. */
function passes(n: number): string {
  const text = n < 10 ? said(n, 1) : Math.round(n).toLocaleString("en");
  return `${text} forward pass${text === "1.0" ? "" : "es"}`;
}
