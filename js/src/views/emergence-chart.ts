// Lines over time as SVG: rules and bands behind, direct labels at the right, a cursor for the step
// that is looked at, a hair for the one that is pointed at.

import { aria, h, on } from "../lib/dom";
import { apart, type Scale, short } from "./emergence-scale";
import { svg } from "./emergence-svg";

export interface Series {
  label: string;
  /** Sequences, and a value at each. */
  at: number[];
  values: Float32Array;
  /** Its colour: hw-c0 to hw-c7. */
  ink: number;
  strong: boolean;
  faint?: boolean;
  dashed?: boolean;
}

/** A value that means something; `first`: its words stand at the left. */
export interface Rule {
  value: number;
  words: string;
  main: boolean;
  first?: boolean;
}

export interface Drawing {
  wide: number;
  high: number;
  x: Scale;
  low: number;
  top: number;
  ticks: number[];
  series: Series[];
  rules: Rule[];
  band: [number, number] | null;
  bandWords: string;
  marks: { at: number; words: string }[];
  /** What the values are. */
  unit: string;
  /** Whether time stands below. */
  named: boolean;
  /** Pixels at the left, where values stand, and at the right, where labels do. */
  left: number;
  right: number;
}

export interface Pointing {
  /** A number of sequences is pointed at; NaN: none any more. */
  point: (sequences: number) => void;
  pick: (sequences: number) => void;
  /** By keys: -1, 1, or far. */
  move: (by: number) => void;
}

export const FOOT = 22;
const HEAD = 18;

export function chart(kind: string, acts: Pointing) {
  const element = aria(h("div", `hw-chart ${kind}`), { role: "application" });
  element.tabIndex = 0;
  element.dataset.lmSuppressShortcuts = "true";
  let now: Drawing | undefined;
  let hair = svg("line", {});
  let dots = svg("g", {});
  let cursor = svg("line", {});

  const under = (event: MouseEvent): number => {
    if (!now) return Number.NaN;
    const box = element.getBoundingClientRect();
    const x = ((event.clientX - box.left) * now.wide) / (box.width || now.wide);
    return x < now.left - 8 || x > now.wide - now.right + 8
      ? Number.NaN
      : Math.max(0, now.x.from(x));
  };
  on(element, "mousemove", (event) => acts.point(under(event)));
  on(element, "mouseleave", () => acts.point(Number.NaN));
  on(element, "click", (event) => {
    const at = under(event);
    if (Number.isFinite(at)) acts.pick(at);
  });
  on(element, "keydown", (event) => {
    const by = {
      ...{ ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 },
      ...{ Home: Number.NEGATIVE_INFINITY, End: Number.POSITIVE_INFINITY },
    }[event.key];
    if (event.key === "Escape") element.blur();
    else if (event.key === "Enter") acts.pick(Number.NaN);
    else if (by !== undefined) acts.move(by);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  on(element, "blur", () => acts.point(Number.NaN));

  const y = (value: number): number => {
    if (!now) return 0;
    const bottom = now.high - (now.named ? FOOT : 6);
    return HEAD + (bottom - HEAD) * (1 - (value - now.low) / (now.top - now.low));
  };
  const text = (x: number, at: number, words: string, kind: string, anchor = "start") =>
    svg("text", { x, y: at, class: kind, "text-anchor": anchor }, words);

  function draw(next: Drawing): void {
    now = next;
    const { wide, high, x, left, right } = next;
    const [end, bottom] = [wide - right, y(next.low)];
    const back: Node[] = [];
    if (next.band) {
      const [from, to] = next.band.map(x.to) as [number, number];
      const box = { x: from, y: HEAD, width: Math.max(2, to - from), height: bottom - HEAD };
      back.push(svg("rect", { ...box, class: "hw-band" }));
      const middle = Math.min(Math.max((from + to) / 2, left + 68), end - 68);
      if (next.bandWords) back.push(text(middle, HEAD + 11, next.bandWords, "hw-note", "middle"));
    }
    for (const tick of next.ticks) {
      back.push(svg("line", { x1: left, x2: end, y1: y(tick), y2: y(tick), class: "hw-tick" }));
      back.push(text(left - 6, y(tick) + 3.5, String(+tick.toFixed(2)), "hw-note", "end"));
    }
    for (const tick of next.named ? x.ticks : []) {
      const at = x.to(tick);
      back.push(svg("line", { x1: at, x2: at, y1: bottom, y2: bottom + 4, class: "hw-axis" }));
      back.push(text(at, bottom + 16, short(tick), "hw-note", "middle"));
    }
    for (const { value, words, main, first } of next.rules) {
      if (value > next.top || value < next.low) continue;
      const kind = main ? "hw-rule" : "hw-rule hw-fine";
      back.push(svg("line", { x1: left, x2: end, y1: y(value), y2: y(value), class: kind }));
      const [from, anchor] = first ? [left + 6, "start"] : [end - 4, "end"];
      if (words) back.push(text(from, y(value) - 4, words, "hw-note hw-halo", anchor));
    }
    back.push(svg("line", { x1: left, x2: end, y1: bottom, y2: bottom, class: "hw-axis" }));
    if (next.named) back.push(text(0, bottom + 16, "sequences", "hw-note"));
    if (next.unit) back.push(text(0, 9, next.unit, "hw-note"));
    const drawn = next.series.map((one) =>
      svg("path", {
        d: path(one, x, y),
        class: `hw-curve hw-c${one.ink % 8}${one.strong ? " hw-strong" : ""}${one.faint ? " hw-faint" : ""}${one.dashed ? " hw-dashed" : ""}`,
      }),
    );
    const marks = next.marks.flatMap(({ at, words }, i) => [
      svg("line", { x1: x.to(at), x2: x.to(at), y1: HEAD, y2: bottom, class: "hw-switched" }),
      mark(x.to(at), words, end, i % 3),
    ]);
    hair = svg("line", { y1: HEAD, y2: bottom, class: "hw-hair" });
    dots = svg("g", {});
    cursor = svg("line", { y1: HEAD - 4, y2: bottom, class: "hw-now" });
    hair.setAttribute("visibility", "hidden");
    const picture = svg(
      "svg",
      { viewBox: `0 0 ${wide} ${high}`, width: wide, height: high, "aria-hidden": "true" },
      ...[...back, ...drawn, ...marks, cursor, hair, dots, ...labels(next, end, bottom)],
    );
    element.replaceChildren(picture);
  }

  function mark(at: number, words: string, end: number, row: number): SVGElement {
    const late = at > end - 110;
    return text(
      late ? at - 4 : at + 4,
      HEAD + 24 + 13 * row,
      words,
      "hw-note hw-halo hw-mark",
      late ? "end" : "start",
    );
  }

  /** A label at the end of each line that has one, in its colour by a dot. */
  function labels(next: Drawing, end: number, bottom: number): Node[] {
    const named = next.series.filter((one) => one.label && one.values.length);
    const ends = named.map((one) => {
      let i = one.values.length - 1;
      while (i > 0 && !Number.isFinite(one.values[i])) i--;
      return [next.x.to(one.at[i] ?? 0), y(one.values[i] ?? 0)] as const;
    });
    const places = apart(
      ends.map(([, at]) => at),
      14,
      HEAD + 5,
      bottom - 3,
    );
    return named.flatMap((one, i) => {
      const [from, at] = ends[i] ?? [0, 0];
      const to = places[i] ?? 0;
      const kind = `hw-c${one.ink % 8}`;
      const most = Math.max(4, Math.floor((next.right - 20) / 6.1));
      const words = one.label.length > most ? `${one.label.slice(0, most - 1)}…` : one.label;
      const d = `M${from},${at}L${end + 4},${to}L${end + 9},${to}`;
      return [
        svg("path", { d, class: `hw-lead ${kind}` }),
        svg("circle", { cx: end + 10, cy: to, r: 3.5, class: `hw-dot ${kind}` }),
        text(end + 17, to + 4, words, one.strong ? "hw-label hw-bold" : "hw-label"),
      ];
    });
  }

  return {
    element,
    draw,
    /** Show the step that is looked at. */
    cursor(sequences: number): void {
      if (!now) return;
      const at = now.x.to(sequences);
      cursor.setAttribute("x1", String(at));
      cursor.setAttribute("x2", String(at));
    },
    /** Show the step that is pointed at, and each line's value there. */
    hair(sequences: number): void {
      if (!now) return;
      const there = Number.isFinite(sequences);
      hair.setAttribute("visibility", there ? "visible" : "hidden");
      dots.replaceChildren();
      if (!there) return;
      const at = String(now.x.to(sequences));
      hair.setAttribute("x1", at);
      hair.setAttribute("x2", at);
      for (const one of now.series) {
        const i = one.at.indexOf(sequences);
        const value = one.values[i];
        if (one.faint || value === undefined || !Number.isFinite(value)) continue;
        dots.append(
          svg("circle", { cx: at, cy: y(value), r: 3.5, class: `hw-dot hw-c${one.ink % 8}` }),
        );
      }
    },
  };
}

/** A line through the finite values; one value is a dot. */
export function path(one: Series, x: Scale, y: (value: number) => number): string {
  let out = "";
  let pen = "M";
  one.values.forEach((value, i) => {
    if (!Number.isFinite(value)) {
      pen = "M";
      return;
    }
    out += `${pen}${x.to(one.at[i] ?? 0).toFixed(1)},${y(value).toFixed(1)}`;
    pen = "L";
  });
  return out;
}
