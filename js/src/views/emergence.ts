// The emergence lab: see headwidgets/widgets/emergence_lab.py. Runs and what is looked at are in
// a model of its own; everything but training is drawn from arrays that are here already.

import { once } from "../lib/changing";
import { aria, h } from "../lib/dom";
import { GLOSSARY_STYLE } from "../lib/glossary";
import { isLive, STATIC, whenLive } from "../lib/live";
import { gradient } from "../lib/lut";
import { whenChanged } from "../lib/model";
import type { Look } from "../lib/session";
import { style } from "../lib/theme";
import type { Mount } from "../views";
import { asker } from "./emergence-ask";
import { bar } from "./emergence-bar";
import { circuitView, PREVIOUS } from "./emergence-circuit";
import { curvesView } from "./emergence-curves";
import {
  curve,
  type Held,
  keyOf,
  LATEST,
  type Lab,
  type Line,
  type LookAt,
  lineOf,
  linesOf,
  many,
  nearest,
  placeOf,
  runsOf,
  strongest,
  tilesAt,
  trains,
} from "./emergence-data";
import { foot } from "./emergence-foot";
import { headTiles } from "./emergence-heads";
import { layout } from "./emergence-layout";
import { mapView } from "./emergence-map";
import { scrubber } from "./emergence-scrub";
import { EMERGENCE_STYLE } from "./emergence-style";
import { onLooks, paintOf } from "./paint";

const KEYS = ["look", "settled", "moving", "order", "shipped", "opened", "message"] as const;
const NOTHING: Held = { held: [], head: null, previous: [], others: [] };
const USUAL = 2; // the head of layer 1 that the paper's clamp holds

export const mountEmergence: Mount = ({ session: looked, ask }, root, signal) => {
  const session = looked as unknown as Look<Lab>;
  root.classList.add("hw-root", "hw-emergence");
  aria(root, { role: "region", label: "emergence lab" });
  let draft: (Held & { of: string }) | null = null;
  let before = [USUAL]; // heads of layer 1 that "previous token" is to hold
  let playing: number | null = null; // the step that is played: told to Python at the end

  const set = (change: Partial<LookAt>) => {
    session.set("look", { ...session.get("look"), ...change });
    session.save_changes();
  };
  const work = asker(looked, ask, () => draw(), signal);
  const { tell } = work;

  const controls = bar({
    focus: (run, condition) =>
      set({ run, condition, head: strongest(lineOf(all(), run, condition)) }),
    add: (run) => tell("show", { run, on: true }, `reading ${run}`),
    remove: (run) => tell("show", { run, on: false }),
    train: (data) => {
      const { held, head } = begins();
      const previous = held.includes(PREVIOUS) ? looking() : null;
      tell("train", { data, held, head, previous }, "preparing a run");
    },
    go: (run) => tell("go", { run }),
    pause: (run) => tell("pause", { run }),
    cancel: (run) => tell("cancel", { run }),
  });
  const scrub = scrubber(
    (step) => {
      playing = step;
      redraw();
      if (!scrub.playing) settle();
    },
    () => settle(),
    signal,
  );
  const settle = () => {
    if (playing === null) return;
    const step = playing;
    playing = null;
    set({ step });
  };
  const curves = curvesView({
    set,
    scrub: (sequences) => {
      scrub.stop();
      const { checkpoints, batch } = focus().run;
      const at = nearest(checkpoints, sequences / batch);
      playing = null;
      set({ step: at === checkpoints.length - 1 ? LATEST : (checkpoints[at] ?? 0) });
    },
  });
  const circuit = circuitView(
    (name) => {
      const { held, head } = clamps();
      const next = held.includes(name) ? held.filter((one) => one !== name) : [...held, name];
      turn(next, head);
    },
    (head) => turn(clamps().held, head),
    (heads) => {
      before = heads;
      const { held, head } = clamps();
      if (held.includes(PREVIOUS)) turn(held, head, heads);
      else draw();
    },
  );
  let pointed = "";
  const tiles = headTiles(
    (head) => set({ head }),
    (head) => {
      pointed = head;
      redraw();
    },
  );
  const map = mapView();
  const end = foot({
    open: () => {
      const { run, condition, step, head } = session.get("look");
      tell("open", { run, condition, step, head }, "opening a session");
    },
    code: async () => {
      const { run } = session.get("look");
      const { body } = await ask("emergence python", { run });
      return String(body.code);
    },
  });

  const page = layout({
    ...{ tools: curves.tools, upper: curves.upper, lower: curves.lower, readout: curves.readout },
    ...{ scrub: scrub.element, tiles: tiles.element, circuit: circuit.element },
    ...{ map: map.element, mapReadout: map.readout },
  });
  const top = h("div", "hw-top", h("span", "hw-title", "Emergence lab"), controls.controls);
  root.replaceChildren(
    ...[style(EMERGENCE_STYLE + GLOSSARY_STYLE), top, controls.element, page.element, end.element],
  );

  const lines = once((order: string[], settled: Lab["settled"], moving: Lab["moving"]) =>
    linesOf(runsOf(order, settled, moving)),
  );
  const all = () => lines(session.get("order"), session.get("settled"), session.get("moving"));
  const focus = () => lineOf(all(), session.get("look").run, session.get("look").condition);
  function clamps(): Held {
    const line = focus();
    if (draft && draft.of === keyOf(line)) return draft;
    return line.run.clamps[line.condition] ?? NOTHING;
  }
  /** The heads that "previous token" holds, or would. */
  function looking(): number[] {
    const [n, { held, previous }] = [focus().run.shape[1], clamps()];
    if (held.includes(PREVIOUS)) return previous ?? Array.from({ length: n }, (_, i) => i);
    const there = before.filter((head) => head < n);
    return there.length ? there : [n - 1];
  }
  /** What a run that is begun now starts with. */
  const begins = (): Held => (trains(focus()) ? NOTHING : clamps());
  function turn(held: string[], head: number | null, heads?: number[]): void {
    const { run, condition } = focus();
    if (trains(focus())) {
      const stays = clamps().held.includes(PREVIOUS) || !held.includes(PREVIOUS);
      const previous = heads ?? (stays ? null : looking()); // null: those that it has
      tell("clamp", { run: run.name, condition, held, head, previous }, "switching");
    } else {
      const previous = heads ?? looking();
      draft = { held, head, previous, others: [], of: keyOf(focus()) };
      draw();
    }
  }

  const table = once(() => paintOf(root).table(false));

  /** What follows the step that is looked at. */
  function redraw(): void {
    const look = session.get("look");
    const line = focus();
    if (!line) return;
    const step = playing ?? look.step;
    const place = placeOf(line.run.checkpoints, step);
    const at = line.run.checkpoints[place] ?? 0;
    scrub.draw(line, step);
    curves.cursor(at * line.run.batch);
    const inks = table();
    const head = pointed || look.head;
    tiles.draw(line, at, look.head, inks);
    page.measured.textContent = `as measured at step ${many(line.run.measured[nearest(line.run.measured, at)] ?? 0)}`;
    map.draw(line, place, head, inks);
    page.name.textContent = `head ${head}: from (down) to (across)`;
    drawCircuit(line, at);
    end.draw(line, at, session.get("opened") ?? {}, isLive(looked));
    root.dataset.hwStep = String(at);
    root.dataset.hwHead = look.head;
  }

  function drawCircuit(line: Line, at: number): void {
    const [previous, match] = tilesAt(line, at);
    const near = nearest(line.run.measured, at);
    const largest = (values: Float32Array) =>
      values.reduce((high, value) => (value > high ? value : high), 0);
    const live = isLive(looked);
    const right = curve(line, "train", "accuracy")[near] ?? Number.NaN;
    const moves = trains(line)
      ? "a switch acts on this run, from its next step on"
      : draft?.of === keyOf(line)
        ? `a live run begins with: ${draft.held.join(" + ") || "nothing clamped"}`
        : "as this run was trained; what you switch, the next live run begins with";
    circuit.draw({
      ...{ held: clamps(), heads: line.run.shape[1], previous: looking(), able: live },
      words: moves,
      why: `${STATIC} to switch a clamp`,
      strengths: { previous: largest(previous), match: largest(match), right },
    });
  }

  let room: [number, boolean] = [640, false]; // read once a resize: it costs a layout
  const fit = () => {
    const { curves: mine, circuit: other } = page;
    if (mine.clientWidth)
      room = [Math.max(300, mine.clientWidth), mine.offsetTop === other.offsetTop];
    draw();
  };
  /** Curves are drawn anew for another line or axis, not for another step. */
  const paintCurves = once(
    (lines: Line[], line: Line, _of: string, _head: string, wide: number, beside: boolean) =>
      curves.draw(lines, line, session.get("look"), wide, beside),
  );
  const drawnOf = ({ measure, part, time, head }: LookAt) =>
    [`${measure}|${part}|${time}`, head] as const;

  function draw(): void {
    const line = focus();
    if (!line) return;
    const look = session.get("look");
    const live = isLive(looked);
    const { held, head } = begins();
    const message = work.why || session.get("message") || "";
    controls.draw({
      ...{ lines: all(), focus: line, shipped: session.get("shipped") ?? [], live },
      words: message || work.words || (live ? "" : `${STATIC} to train`),
      wrong: Boolean(message) || line.run.state === "failed",
      begins: `begins with ${held.join(" + ") || "nothing clamped"}${head === null ? "" : `, head ${head} alone`}`,
    });
    paintCurves(all(), line, ...drawnOf(look), ...room);
    page.scale.style.background = gradient(table());
    redraw();
    root.dataset.hwRun = line.run.name;
    root.dataset.hwCondition = line.condition;
    root.dataset.hwMeasured = String(line.run.measured.length);
    root.dataset.hwRunState = line.run.state;
    root.dataset.hwClamped = clamps().held.join(" + ");
    root.dataset.hwState = work.why ? "error" : work.busy ? "busy" : "ready";
  }

  whenChanged(session, KEYS, draw, signal);
  whenLive(looked, draw, signal);
  onLooks(root, fit, signal);
  signal.addEventListener("abort", () => root.replaceChildren());
};
