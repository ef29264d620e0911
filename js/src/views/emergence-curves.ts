// Loss or accuracy of every line over training, and below it, on the same axis of time, what every
// head of the line that is looked at does.

import { aria, h, on } from "../lib/dom";
import { chart, type Rule, type Series } from "./emergence-chart";
import {
  ALL,
  curve,
  firstBelow,
  four,
  headCurve,
  LEARNED,
  LEFT,
  type Line,
  type LookAt,
  many,
  most,
  nearest,
  PARTS,
} from "./emergence-data";
import { linearTicks, type Scale, short, timeScale } from "./emergence-scale";
import { choice, select } from "./panel-parts";

const [HIGH, TALL] = [300, 410];
const LOW = 124;
const LEFT_ROOM = 34;

export interface Acts {
  set: (change: Partial<LookAt>) => void;
  /** Look at the checkpoint nearest to a number of sequences. */
  scrub: (sequences: number) => void;
}

export function curvesView(acts: Acts) {
  const measure = select(
    "what is drawn",
    [["loss"], ["accuracy"]].map(([one = ""]) => [one, one]),
  );
  const part = select("of which sequences", []);
  const time = select("axis of time", [
    ["log", "log time"],
    ["linear", "linear time"],
  ]);
  on(measure, "change", () => acts.set({ measure: measure.value as LookAt["measure"] }));
  on(part, "change", () => acts.set({ part: part.value }));
  on(time, "change", () => acts.set({ time: time.value as LookAt["time"] }));
  const tools = h("span", "hw-line hw-tools", measure, part, time);
  const readout = aria(h("div", "hw-read"), { role: "status" });
  let [lines, shown, focus, look]: [Line[], Series[], Line | undefined, LookAt | undefined] = [
    ...([[], []] as [Line[], Series[]]),
    ...([undefined, undefined] as const),
  ];
  let pointed = Number.NaN;

  const steps = () => focus?.run.measured ?? [];
  const batch = () => focus?.run.batch ?? 1;
  const point = (sequences: number) => {
    const there = Number.isFinite(sequences) && steps().length;
    pointed = there ? nearest(steps(), sequences / batch()) : Number.NaN;
    const at = there ? (steps()[pointed] ?? 0) * batch() : Number.NaN;
    upper.hair(at);
    lower.hair(at);
    say();
  };
  const pick = (sequences: number) => {
    const at = Number.isFinite(sequences) ? sequences : (steps()[pointed] ?? Number.NaN) * batch();
    if (Number.isFinite(at)) acts.scrub(at);
  };
  const move = (by: number) => {
    const last = steps().length - 1;
    if (last < 0) return;
    const from = Number.isFinite(pointed) ? pointed : by > 0 ? -1 : last + 1;
    point((steps()[Math.max(0, Math.min(last, from + by))] ?? 0) * batch());
  };
  const upper = chart("hw-upper", { point, pick, move });
  const lower = chart("hw-lower", { point, pick, move });
  aria(upper.element, { label: "curves: arrows read values, Enter goes to that step" });
  aria(lower.element, {
    label: "heads over training: arrows read values, Enter goes to that step",
  });

  function say(): void {
    if (!focus || !look) return;
    const step = steps()[pointed];
    if (step === undefined) {
      readout.textContent = idle(focus);
      readout.dataset.hwStep = "";
      return;
    }
    const at = step * batch();
    const values = shown
      .filter((one) => !one.faint && one.label)
      .map((one) => {
        const i = nearest(one.at, at);
        const where = one.at[i] === at ? "" : ` (at ${many(one.at[i] ?? 0)})`;
        return `${one.label} ${four(one.values[i])}${where}`;
      });
    readout.textContent = `${look.measure} at ${many(at)} sequences, step ${many(step)}: ${values.join(" · ")}`;
    readout.dataset.hwStep = String(step);
  }

  function draw(every: Line[], line: Line, now: LookAt, wide: number, beside: boolean): void {
    [lines, focus, look] = [every, line, now];
    fill(part, line, lines.length);
    if (measure.value !== now.measure) measure.value = now.measure;
    if (part.value !== now.part) part.value = now.part;
    if (time.value !== now.time) time.value = now.time;
    shown = seriesOf(every, line, now);
    const below = headSeries(line, now.head);
    const longest = Math.max(...[...shown, ...below].map((one) => one.label.length), 8);
    const right = Math.min(Math.round(24 + 6.2 * longest), wide < 560 ? 104 : 150);
    const x = scaleOf(every, now.time === "log", wide, right);
    const ends = [firstBelow(line, LEFT), firstBelow(line, LEARNED)] as [number, number];
    const over = ends.every(Number.isFinite);
    const loss = now.measure === "loss";
    const chance = Math.log(line.run.labels);
    const largest = Math.max(...shown.flatMap((one) => [...one.values].filter(Number.isFinite)), 0);
    const top = loss ? Math.max(chance * 1.12, largest * 1.04, 0.8) : 1.03;
    upper.draw({
      ...{
        wide,
        high: beside ? TALL : HIGH,
        x,
        low: 0,
        left: LEFT_ROOM,
        right,
        named: true,
        series: shown,
      },
      top,
      unit: loss ? "nats" : "share right",
      ticks: loss ? linearTicks(top, 5) : [0, 0.25, 0.5, 0.75, 1],
      rules: rulesOf(line, loss),
      band: over ? ends : null,
      bandWords: over ? `phase change ${short(ends[0])}–${short(ends[1])}` : "",
      marks: marksOf(line),
    });
    lower.draw({
      ...{ wide, high: LOW, x, left: LEFT_ROOM, right, named: false, ticks: [0, 0.5, 1] },
      ...{ series: below, top: 1.04, rules: [], bandWords: "" },
      ...{ low: -0.14, unit: "", band: over ? ends : null },
      marks: marksOf(line).map(({ at }) => ({ at, words: "" })),
    });
    pointed = Math.min(pointed, steps().length - 1);
    say();
  }

  return {
    ...{ tools, upper: upper.element, lower: lower.element, readout, draw },
    cursor(sequences: number): void {
      upper.cursor(sequences);
      lower.cursor(sequences);
    },
  };
}

/** What guessing gives, and where the phase change begins and ends. */
function rulesOf({ run }: Line, loss: boolean): Rule[] {
  const chance = loss ? Math.log(run.labels) : 1 / run.labels;
  const rules: Rule[] = [
    { value: chance, words: loss ? `ln ${run.labels}: chance` : "chance", main: true },
  ];
  if (!run.pairs) return rules;
  if (!loss) return [...rules, { value: 0.5, words: "one of the two labels", main: true }];
  return [
    ...rules,
    { value: Math.LN2, words: "ln 2: one of the two labels", main: true },
    { value: LEFT, words: "", main: false },
    { value: LEARNED, words: ".4 ln 2: learned", main: false, first: true },
  ];
}

/** What a line says of itself while nothing is pointed at. */
function idle(line: Line): string {
  if (!line.run.pairs) return `${line.label}: point at the curves to read them`;
  const [left, learned] = [firstBelow(line, LEFT), firstBelow(line, LEARNED)];
  const when = (n: number) => (Number.isFinite(n) ? `at ${many(n)} sequences` : "not yet");
  return `${line.label}: plateau left (train loss first < .9 ln 2) ${when(left)}, learned (first < .4 ln 2) ${when(learned)}`;
}

/** Offer the parts that a line has. */
function fill(part: HTMLSelectElement, line: Line, lines: number): void {
  const own = line.run.parts;
  const words = (one: string) => (PARTS.includes(one) ? one : `only ${one} left to learn`);
  const all = [ALL, lines > 1 ? "all of this line" : "all sequences"];
  const listed = [...(own.length ? own : ["train"]).map((one) => [one, words(one)]), all];
  const key = listed.flat().join();
  if (part.dataset.listed === key) return;
  part.dataset.listed = key;
  part.replaceChildren(...listed.map(([value = "", text = ""]) => choice(value, text)));
}

/** What is drawn: all parts of one line, or one part of all. */
export function seriesOf(lines: Line[], focus: Line, look: LookAt): Series[] {
  if (look.part === ALL) {
    const own = focus.run.parts.filter((one) => PARTS.includes(one));
    return own.map((part, i) => ({
      ...{ label: part, ink: i, strong: i === 0, dashed: i > 0 },
      ...{ at: sequences(focus), values: curve(focus, part, look.measure) },
    }));
  }
  const drawn = lines.map((line) => ({
    label: line.label,
    ink: line.place,
    strong: line.run.name === focus.run.name && line.condition === focus.condition,
    dashed: line.place > 7,
    at: sequences(line),
    values: curve(line, look.part, look.measure),
  }));
  const there = drawn.filter((one) => one.values.length);
  return [...there.filter((one) => !one.strong), ...there.filter((one) => one.strong)];
}

const sequences = (line: Line) => line.run.measured.map((step) => step * line.run.batch);

/** Every head of both layers, the selected one and the best of each named. */
export function headSeries(line: Line, head: string): Series[] {
  const [layers, heads] = line.run.shape;
  const at = sequences(line);
  if (!at.length) return [];
  const made = [0, 1].flatMap((row) => {
    const all = Array.from({ length: heads }, (_, i) => headCurve(line, row, i));
    const best = most(Float32Array.from(all, (values) => values.at(-1) ?? Number.NaN));
    return all.map((values, i) => {
      const name = `${row ? layers - 1 : 0}.${i}`;
      const strong = name === head;
      const label = strong || i === best ? `${name} ${row ? "induction" : "previous"}` : "";
      return { label, ink: row ? 1 : 0, strong, faint: !strong, at, values };
    });
  });
  return [...made.filter((one) => !one.strong), ...made.filter((one) => one.strong)];
}

function marksOf(line: Line): { at: number; words: string }[] {
  return line.run.switched
    .filter(({ conditions }) => conditions.includes(line.condition))
    .map(({ step, words }) => ({ at: step * line.run.batch, words: `clamp: ${words}` }));
}

/** One axis of time for all lines. */
function scaleOf(lines: Line[], log: boolean, wide: number, right: number): Scale {
  const runs = lines.map(({ run }) => run);
  const firsts = runs.map(({ measured, batch }) => (measured.find((step) => step) ?? 32) * batch);
  const last = Math.max(...runs.map(({ steps, batch }) => steps * batch));
  const first = Math.min(...firsts, last / 2);
  return timeScale(first, last, log, LEFT_ROOM, wide - LEFT_ROOM - right);
}
