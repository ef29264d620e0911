// Axes: sequences on a log or a linear scale, their ticks, and labels that keep apart.

export interface Scale {
  /** From a number of sequences to pixels. */
  to: (sequences: number) => number;
  /** And back. */
  from: (pixel: number) => number;
  ticks: number[];
}

/** On a log scale 0 stands at the left end, half an octave before the first. */
export function timeScale(
  first: number,
  last: number,
  log: boolean,
  left: number,
  wide: number,
): Scale {
  if (!log) {
    const to = (n: number) => left + (wide * n) / last;
    return { to, from: (x) => (last * (x - left)) / wide, ticks: linearTicks(last, wide / 70) };
  }
  const start = first / Math.SQRT2;
  const span = Math.log(last / start);
  const to = (n: number) => left + (wide * Math.log(Math.max(n, start) / start)) / span;
  const from = (x: number) => {
    const n = start * Math.exp((span * (x - left)) / wide);
    return n < first * 0.9 ? 0 : n;
  };
  const all: number[] = [];
  for (let power = 1; power <= last; power *= 10)
    for (const by of [1, 2, 5]) if (power * by >= first && power * by <= last) all.push(power * by);
  const kept: number[] = [];
  for (const tick of all) if (!kept.length || to(tick) - to(kept.at(-1) ?? 0) > 44) kept.push(tick);
  return { to, from, ticks: kept };
}

/** Round steps of 1, 2 or 5. */
export function linearTicks(last: number, wanted: number): number[] {
  const rough = last / Math.max(1, wanted);
  const power = 10 ** Math.floor(Math.log10(rough || 1));
  const step = [1, 2, 5, 10].map((by) => by * power).find((one) => one >= rough) ?? rough;
  return Array.from({ length: Math.floor(last / step) + 1 }, (_, i) => i * step);
}

/** 20,000 as "20k". */
export const short = (n: number): string =>
  n >= 1e6
    ? `${+(n / 1e6).toFixed(1)}M`
    : n >= 1000
      ? `${+(n / 1000).toFixed(1)}k`
      : String(Math.round(n));

/** Move heights apart by at least `gap`, within `low` and `high`, in their order. */
export function apart(wanted: number[], gap: number, low: number, high: number): number[] {
  const order = wanted.map((_, i) => i).sort((a, b) => (wanted[a] ?? 0) - (wanted[b] ?? 0));
  const placed = wanted.slice();
  let last = low - gap;
  for (const i of order) {
    last = Math.max(last + gap, wanted[i] ?? 0);
    placed[i] = last;
  }
  let next = high + gap;
  for (const i of order.reverse()) {
    next = Math.min(next - gap, placed[i] ?? 0);
    placed[i] = Math.max(low, next);
  }
  return placed;
}
