// What is taken along: the model in a session, the run as Python.

import { aria, button, h, on } from "../lib/dom";
import { type Lab, type Line, many } from "./emergence-data";
import { area } from "./panel-parts";

export interface Acts {
  open: () => void;
  code: () => Promise<string>;
}

export function foot(acts: Acts) {
  const open = button("open in a session", acts.open);
  const copy = button("copy as Python", () => give());
  const said = aria(h("span", "hw-small"), { role: "status" });
  const box = area("the run as Python", 9);
  box.className = "hw-box";
  box.readOnly = true;
  box.hidden = true;
  on(box, "keydown", (event) => {
    event.stopPropagation();
    if (event.key !== "Escape") return;
    box.hidden = true;
    said.textContent = "";
    copy.focus();
  });
  let now: Lab["opened"] = {};

  async function give(): Promise<void> {
    try {
      const text = await acts.code();
      box.value = text;
      try {
        await navigator.clipboard.writeText(text);
        box.hidden = true;
        said.textContent = `copied, ${text.split("\n").length - 1} lines`;
      } catch {
        box.hidden = false;
        box.focus();
        box.select();
        said.textContent = "no clipboard here: copy from the box, Escape closes it";
      }
    } catch (error) {
      said.textContent = (error as Error).message;
    }
  }

  function draw(line: Line, at: number, opened: Lab["opened"], live: boolean): void {
    const steps = line.run.weights;
    const near = steps.reduce(
      (best, step) => (Math.abs(step - at) <= Math.abs(best - at) ? step : best),
      steps[0] ?? -1,
    );
    open.disabled = !live || near < 0;
    copy.disabled = !live;
    const where = near < 0 ? ": no weights are kept" : ` (step ${many(near)})`;
    const text = `open in a session${where}`;
    if (open.textContent !== text) open.textContent = text;
    open.title =
      near >= 0 && near !== at && !line.run.live
        ? `of a shipped run the weights of steps ${steps.map(many).join(", ")} are kept`
        : "";
    if (live && opened !== now && opened.run) {
      now = opened;
      const clamped = opened.clamped ? ", without its clamps" : "";
      said.replaceChildren(
        `opened ${opened.run}, ${opened.condition}, step ${many(opened.step ?? 0)}${clamped}. In a cell, w being this widget: `,
        h("code", "", "s = w.opened; hw.AttentionView(s)"),
      );
    }
  }
  const element = h("div", "", h("div", "hw-foot5", open, copy, said), box);
  return { element, draw };
}
