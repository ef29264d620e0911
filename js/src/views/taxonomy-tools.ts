// What stands above the board: filters, measure all; below them what was found, or what runs.

import { aria, button, h, on } from "../lib/dom";
import { css } from "../lib/theme";
import { select } from "./panel-parts";
import { VERDICTS, type Wanted } from "./taxonomy-data";
import type { Running } from "./taxonomy-run";

export const TOOLS_STYLE = css`
.hw-kindtools, .hw-kindline { display: flex; flex-wrap: wrap; gap: 6px 8px; align-items: center; }
.hw-kindtools select { max-width: 12.5em; }
.hw-kindtools input { width: 11em; }
.hw-kindline { min-height: 24px; margin: 3px 0; }
.hw-kindline progress { width: 110px; height: 8px; accent-color: var(--hw-accent); }
.hw-kindline > span { overflow: hidden; text-overflow: ellipsis; min-width: 0; }
`;
const EVIDENCE = ["attention", "weights", "direct attribution", "causal", "probe"];

interface Does {
  filter: (name: keyof Wanted, value: string) => void;
  all: () => void;
  cancel: () => void;
}

export interface ToolsState {
  /** Whether the board is shown that the filters are for. */
  board: boolean;
  wanted: Wanted;
  stages: string[];
  /** What was found, in a line. */
  said: string;
  running: Running | null;
  /** What went wrong. */
  why: string;
  /** Whether anything can be measured. */
  can: boolean;
}

export function taxonomyTools(act: Does) {
  const make = (name: "stage" | "evidence" | "verdict", any: string, values: string[]) => {
    const made = select(name, [["", any], ...values.map((value) => [value, value])]);
    on(made, "change", () => act.filter(name, made.value));
    return made;
  };
  const fields = {
    stage: make("stage", "every stage", []),
    evidence: make("evidence", "all evidence", EVIDENCE),
    verdict: make("verdict", "any verdict", VERDICTS),
    text: h("input", ""),
  };
  fields.text.type = "search";
  fields.text.placeholder = "subject, or 9.9";
  aria(fields.text, { label: "find kinds by words on their card, or by a head" });
  on(fields.text, "input", () => act.filter("text", fields.text.value));
  const all = button("measure all", act.all);
  const cancel = button("cancel", act.cancel);
  const bar = h("progress", "");
  const words = aria(h("span", ""), { role: "status" });
  const line = h("div", "hw-kindline", bar, words);
  const filters = h("div", "hw-kindtools", ...Object.values(fields), all, cancel);
  const element = h("div", "", filters, line);
  let listed = "";

  function draw({ board, wanted, stages, said, running, why, can }: ToolsState): void {
    if (listed !== stages.join()) {
      listed = stages.join();
      const made = select("", [["", "every stage"], ...stages.map((one) => [one, one])]);
      fields.stage.replaceChildren(...made.children);
    }
    for (const [name, field] of Object.entries(fields)) {
      const value = wanted[name as keyof Wanted];
      if (field.value !== value) field.value = value;
    }
    for (const field of Object.values(fields)) field.hidden = !board;
    all.hidden = Boolean(running) || !board;
    all.disabled = !can;
    cancel.hidden = bar.hidden = !running;
    if (running && running.part > 0) bar.value = running.part;
    else bar.removeAttribute("value");
    aria(bar, { label: running?.words ?? "" });
    words.textContent = running?.words || why || said;
    words.className = !running && why ? "hw-why" : "hw-quiet";
  }
  return { element, draw };
}
