// Through the checkpoints: a slider, and a button that plays them.

import { aria, button, h, on } from "../lib/dom";
import { LATEST, type Line, many, placeOf } from "./emergence-data";

const FRAME_MS = 90;

export function scrubber(go: (step: number) => void, ended: () => void, signal: AbortSignal) {
  const slider = h("input", "");
  Object.assign(slider, { type: "range", min: "0", step: "1" });
  aria(slider, { label: "checkpoint" });
  const said = h("output", "hw-where");
  const play = button("▶ play", () => (timer ? stop() : begin()), "play the checkpoints");
  play.className = "hw-play";
  let timer = 0;
  let steps: number[] = [];
  let place = -1;

  const step = (to: number) => go(to >= steps.length - 1 ? LATEST : (steps[to] ?? 0));
  const stop = () => {
    if (!timer) return;
    clearInterval(timer);
    timer = 0;
    say();
    ended();
  };
  const begin = () => {
    if (place >= steps.length - 1) step(0);
    timer = window.setInterval(() => {
      if (place >= steps.length - 1) stop();
      else step(place + 1);
    }, FRAME_MS);
    say();
  };
  const say = () => {
    const text = timer ? "⏸ stop" : "▶ play";
    if (play.textContent !== text) play.textContent = text;
    aria(play, { pressed: Boolean(timer) });
  };
  on(slider, "input", () => {
    stop();
    step(Number(slider.value));
  });
  on(slider, "keydown", (event) => event.stopPropagation());
  signal.addEventListener("abort", () => clearInterval(timer), { once: true });
  const element = h("div", "hw-scrub", play, slider, said);

  function draw(line: Line, at: number): void {
    steps = line.run.checkpoints;
    place = placeOf(steps, at);
    const last = String(Math.max(0, steps.length - 1));
    if (slider.max !== last) slider.max = last;
    if (slider.value !== String(Math.max(0, place))) slider.value = String(Math.max(0, place));
    slider.disabled = play.disabled = steps.length < 2;
    const there = steps[place] ?? 0;
    const text = steps.length
      ? `step ${many(there)} · ${many(there * line.run.batch)} sequences · ${place + 1} of ${steps.length}`
      : "no checkpoint yet";
    if (said.textContent !== text) said.textContent = text;
    aria(slider, { valuetext: text });
  }
  return {
    ...{ element, draw, stop },
    get playing() {
      return Boolean(timer);
    },
  };
}
