// The lines that are drawn, as chips; what can be added; a live run and its controls.

import { aria, button, h, on } from "../lib/dom";
import { type Line, many, type Run } from "./emergence-data";
import { choice, select } from "./panel-parts";

export interface Acts {
  focus: (run: string, condition: string) => void;
  add: (run: string) => void;
  remove: (run: string) => void;
  train: (data: string) => void;
  go: (run: string) => void;
  pause: (run: string) => void;
  cancel: (run: string) => void;
}

export interface Shown {
  lines: Line[];
  focus: Line;
  shipped: string[];
  live: boolean;
  /** What is on its way, or went wrong. */
  words: string;
  wrong: boolean;
  /** What a new run begins with. */
  begins: string;
}

export function bar(acts: Acts) {
  const chips = aria(h("div", "hw-chips"), { role: "group", label: "lines" });
  const add = select("add a finished run", []);
  on(add, "change", () => {
    if (add.value) acts.add(add.value);
    add.value = "";
  });
  const data = select("data of a live run", [
    ["low16", "on low16"],
    ["gauss", "on gauss"],
  ]);
  const train = button("train live", () => acts.train(data.value));
  train.className = "hw-main";
  let run: Run | undefined;
  const go = button("▶ go on", () => run && acts.go(run.name));
  const pause = button("⏸ pause", () => run && acts.pause(run.name));
  const cancel = button("■ end", () => run && acts.cancel(run.name), "end this run");
  const progress = aria(h("progress", ""), { label: "steps done" });
  const said = aria(h("span", "hw-small hw-said"), { role: "status" });
  const controls = h("div", "hw-line hw-controls", train, data, go, pause, cancel, progress, said);
  const element = h("div", "hw-bar5", chips, add);

  function draw(shown: Shown): void {
    run = shown.focus.run;
    const { live, lines, focus } = shown;
    drawChips(lines, focus, live);
    const names = new Set(lines.map((line) => line.run.name));
    const rest = shown.shipped.filter((name) => !names.has(name));
    const listed = rest.join();
    if (add.dataset.listed !== listed) {
      add.dataset.listed = listed;
      add.replaceChildren(choice("", "add a run …"), ...rest.map((name) => choice(name, name)));
    }
    add.disabled = !live;
    const moving = lines.some((line) => line.run.state === "running");
    train.hidden = data.hidden = run.state === "running" || run.state === "paused";
    train.disabled = data.disabled = !live || moving;
    train.title = shown.begins;
    go.hidden = !run.live || !["ready", "paused", "cancelled"].includes(run.state);
    go.textContent = run.state === "ready" ? "▶ start" : "▶ go on";
    pause.hidden = run.state !== "running";
    cancel.hidden = !["running", "paused"].includes(run.state);
    for (const one of [go, pause, cancel]) one.disabled = !live;
    progress.hidden = !run.live || run.state === "done";
    progress.max = run.steps;
    progress.value = run.step;
    const text = shown.words || stateOf(run);
    if (said.textContent !== text) said.textContent = text;
    said.classList.toggle("hw-why", shown.wrong);
  }

  let built = "";
  function drawChips(lines: Line[], focus: Line, live: boolean): void {
    const key = lines.map((line) => [line.run.name, line.condition, line.label].join("|")).join();
    if (built !== `${key}${live}`) {
      built = `${key}${live}`;
      const runs = new Set(lines.map((line) => line.run.name));
      chips.replaceChildren(...lines.map((line) => chip(line, lines, runs.size > 1 && live)));
    }
    lines.forEach((line, i) => {
      const one = chips.children[i] as HTMLElement | undefined;
      const mine = line.run.name === focus.run.name && line.condition === focus.condition;
      one?.classList.toggle("hw-mine", mine);
      const first = one?.firstElementChild;
      if (first) aria(first, { pressed: mine });
      const state = first?.querySelector(".hw-state");
      const word = line.run.live && line.run.state !== "done" ? line.run.state : "";
      if (state && state.textContent !== word) state.textContent = word;
    });
  }

  function chip(line: Line, lines: Line[], several: boolean): HTMLElement {
    const swatch = h("i", `hw-swatch hw-c${line.place % 8}`);
    const look = button("", () => acts.focus(line.run.name, line.condition));
    look.append(swatch, line.label, h("span", "hw-state hw-small"));
    const last = lines.filter((one) => one.run === line.run).at(-1) === line;
    const away =
      several && last
        ? [button("×", () => acts.remove(line.run.name), `take ${line.run.name} away`)]
        : [];
    return h("span", "hw-chip", look, ...away);
  }
  return { element, controls, draw };
}

/** A run in a line. */
export function stateOf(run: Run): string {
  const total = `${many(run.steps * run.batch)} sequences of ${run.data}, rate ${run.rate}, seed ${[...new Set(run.seeds)].join(", ")}`;
  if (run.state === "finished" || run.state === "done") return `${run.state}: ${total}`;
  if (run.state === "failed") return `stopped: ${run.why}`;
  return `${run.state} at step ${many(run.step)} of ${many(run.steps)}: ${total}`;
}
