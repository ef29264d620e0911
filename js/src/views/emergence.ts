// The emergence lab: see headwidgets/widgets/emergence_lab.py. Runs and what is looked at are in
// a model of its own; everything but training is drawn from arrays that are here already.

import {
  "phase change" as changeMeans,
  clamp as clampMeans,
  "previous-token score" as previousMeans,
  "induction strength" as strengthMeans,
  subcircuits as subcircuitsMean,
} from "../../../headwidgets/widgets/glossary.json";
import { once } from "../lib/changing";
import { aria, h } from "../lib/dom";
import { GLOSSARY_STYLE, term } from "../lib/glossary";
import { isLive, STATIC, whenLive } from "../lib/live";
import { gradient } from "../lib/lut";
import { whenChanged } from "../lib/model";
import { Cancelled } from "../lib/rpc";
import type { Look } from "../lib/session";
import { style } from "../lib/theme";
import type { Mount } from "../views";
import { bar } from "./emergence-bar";
import { circuitView } from "./emergence-circuit";
import { curvesView } from "./emergence-curves";
import {
  curve,
  type Held,
  LATEST,
  type Lab,
  type Line,
  type LookAt,
  linesOf,
  nearest,
  placeOf,
  runsOf,
  tilesAt,
} from "./emergence-data";
import { foot } from "./emergence-foot";
import { headTiles } from "./emergence-heads";
import { mapView } from "./emergence-map";
import { scrubber } from "./emergence-scrub";
import { EMERGENCE_STYLE } from "./emergence-style";
import { onLooks, paintOf } from "./paint";

const KEYS = ["look", "settled", "moving", "order", "shipped", "opened", "message"] as const;
const NOTHING: Held = { held: [], head: null, others: [] };

export const mountEmergence: Mount = ({ session: looked, ask }, root, signal) => {
  const session = looked as unknown as Look<Lab>;
  root.classList.add("hw-root", "hw-emergence");
  aria(root, { role: "region", label: "emergence lab" });
  let [words, why, asking] = ["", "", 0];
  let draft: (Held & { of: string }) | null = null;
  let playing: number | null = null; // the step that is played: told to Python at the end

  const set = (change: Partial<LookAt>) => {
    session.set("look", { ...session.get("look"), ...change });
    session.save_changes();
  };
  const request = (
    name: string,
    body: Record<string, unknown>,
    doing: string,
  ): Promise<unknown> => {
    if (!isLive(looked)) return Promise.resolve();
    [words, why] = [doing, ""];
    asking += 1;
    draw();
    return ask(`emergence ${name}`, body)
      .catch((error: Error) => {
        if (!(error instanceof Cancelled)) why = error.message;
        throw error;
      })
      .finally(() => {
        asking -= 1;
        if (!asking) words = "";
        if (!signal.aborted) draw();
      });
  };
  const tell = (name: string, body: Record<string, unknown>, doing = "") => {
    request(name, body, doing).catch(() => {});
  };

  const controls = bar({
    focus: (run, condition) => set({ run, condition, head: "" }),
    add: (run) => tell("show", { run, on: true }, `reading ${run}`),
    remove: (run) => tell("show", { run, on: false }),
    train: (data) => {
      const { held, head } = begins();
      tell("train", { data, held, head }, "preparing a run");
    },
    go: (run) => tell("go", { run }),
    pause: (run) => tell("pause", { run }),
    cancel: (run) => tell("cancel", { run }),
  });
  const scrub = scrubber((step) => {
    playing = step;
    redraw();
    if (!scrub.playing) settle();
  }, signal);
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

  const headed = (...parts: (Node | string)[]) => h("h3", "", ...parts);
  const drawn = h(
    "section",
    "",
    h(
      "div",
      "hw-head5",
      headed("how it learns, with its ", term("phase change", changeMeans)),
      curves.tools,
    ),
    ...[curves.upper, curves.readout, scrub.element],
  );
  const five = h(
    "section",
    "",
    h(
      "div",
      "hw-head5",
      headed("the circuit: ", term("subcircuits", subcircuitsMean), " A, B, C"),
      term("clamp", clampMeans),
    ),
    circuit.element,
  );
  const scale = h("div", "hw-scale");
  const sixteen = h(
    "section",
    "",
    h(
      "div",
      "hw-head5",
      headed("what each head does"),
      h(
        "span",
        "hw-line hw-small",
        term("previous-token score", previousMeans),
        term("induction strength", strengthMeans),
      ),
    ),
    curves.lower,
    tiles.element,
    h("div", "hw-legend hw-small", "0", scale, "1"),
  );
  const name = h("span", "");
  const looks = h("section", "", h("div", "hw-head5", headed(name)), map.element, map.readout);
  const body = h("div", "hw-body5", drawn, five, sixteen, looks);
  const top = h("div", "hw-top", h("span", "hw-title", "Emergence lab"), controls.controls);
  root.replaceChildren(
    ...[style(EMERGENCE_STYLE + GLOSSARY_STYLE), top, controls.element, body, end.element],
  );

  const lines = once((order: string[], settled: Lab["settled"], moving: Lab["moving"]) =>
    linesOf(runsOf(order, settled, moving)),
  );
  const all = () => lines(session.get("order"), session.get("settled"), session.get("moving"));
  const focus = (): Line => {
    const { run, condition } = session.get("look");
    const found = all();
    return (found.find((one) => one.run.name === run && one.condition === condition) ??
      found.find((one) => one.run.name === run) ??
      found[0]) as Line;
  };
  /** Whether the clamps of a line can still be switched. */
  const trains = ({ run }: Line) => run.live && run.state !== "done" && run.state !== "failed";
  const key = ({ run, condition }: Line) => `${run.name}|${condition}`;
  function clamps(): Held {
    const line = focus();
    if (draft && draft.of === key(line)) return draft;
    return line.run.clamps[line.condition] ?? NOTHING;
  }
  /** What a run that is begun now starts with. */
  const begins = (): Held => (trains(focus()) ? NOTHING : clamps());
  function turn(held: string[], head: number | null): void {
    const line = focus();
    if (trains(line))
      tell("clamp", { run: line.run.name, condition: line.condition, held, head }, "switching");
    else {
      draft = { held, head, others: [], of: key(line) };
      draw();
    }
  }

  const table = once((_theme: string) => paintOf(root).table(false));

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
    const inks = table("");
    const head = pointed || look.head;
    tiles.draw(line, place, look.head, inks);
    map.draw(line, place, head, inks);
    const [layer] = head.split(".");
    name.textContent = `head ${head}, layer ${Number(layer) + 1}: looks from (down) to (across)`;
    drawCircuit(line, place, at);
    end.draw(line, at, session.get("opened") ?? {}, isLive(looked));
    root.dataset.hwStep = String(at);
    root.dataset.hwHead = look.head;
  }

  function drawCircuit(line: Line, place: number, at: number): void {
    const [previous, match] = tilesAt(line, place);
    const near = nearest(line.run.measured, at);
    const largest = (values: Float32Array) =>
      values.reduce((high, value) => (value > high ? value : high), 0);
    const live = isLive(looked);
    const right = curve(line, "train", "accuracy")[near] ?? Number.NaN;
    const moves = trains(line)
      ? "a switch acts on this run, from its next step on"
      : draft?.of === key(line)
        ? `a live run begins with: ${draft.held.join(" + ") || "nothing clamped"}`
        : "as this run was trained; what you switch, the next live run begins with";
    circuit.draw({
      ...{ held: clamps(), heads: line.run.shape[1], able: live, words: moves },
      why: `${STATIC} to switch a clamp`,
      strengths: { previous: largest(previous), match: largest(match), right },
    });
  }

  function draw(): void {
    const line = focus();
    if (!line) return;
    const look = session.get("look");
    const live = isLive(looked);
    const { held, head } = begins();
    const message = why || session.get("message") || "";
    controls.draw({
      ...{ lines: all(), focus: line, shipped: session.get("shipped") ?? [], live },
      words: message || words || (live ? "" : `${STATIC} to train`),
      wrong: Boolean(message) || line.run.state === "failed",
      begins: `begins with ${held.join(" + ") || "nothing clamped"}${head === null ? "" : `, head ${head} alone`}`,
    });
    curves.draw(all(), line, look, Math.max(300, drawn.clientWidth || 640));
    scale.style.background = gradient(table(""));
    redraw();
    root.dataset.hwRun = line.run.name;
    root.dataset.hwCondition = line.condition;
    root.dataset.hwMeasured = String(line.run.measured.length);
    root.dataset.hwRunState = line.run.state;
    root.dataset.hwClamped = clamps().held.join(" + ");
    root.dataset.hwState = why ? "error" : asking ? "busy" : "ready";
  }

  whenChanged(session, KEYS, draw, signal);
  whenLive(looked, draw, signal);
  onLooks(root, draw, signal);
  signal.addEventListener("abort", () => root.replaceChildren());
};
