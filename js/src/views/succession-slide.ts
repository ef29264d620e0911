// Step 4: arithmetic. Every strength was worked out in Python; the slider chooses one of them.

import { aria, h, on } from "../lib/dom";
import type { Paint } from "./paint";
import { choice, select } from "./panel-parts";
import { type Asked, type Slide, top, two, values } from "./succession-data";

const HIGH = 150;
const MANY = 40; // bars that can be named

export function slideView(set: (change: Partial<Asked>) => void) {
  const member = select("member that is edited", []);
  const residues = [...Array(10).keys()].map((one) => [String(one), `…${one}`]);
  const residue = select("last digit that it gets", residues);
  const strength = h("input", "");
  strength.type = "range";
  Object.assign(strength, { min: "0", max: "4", step: "0.05" });
  aria(strength, { label: "strength" });
  const number = h("output", "hw-small");
  const canvas = h("canvas", "");
  const readout = aria(h("div", "hw-read"), { role: "status" });
  on(member, "change", () => set({ member: member.value }));
  on(residue, "change", () => set({ residue: Number(residue.value) }));
  on(strength, "input", () => set({ strength: Number(strength.value) }));
  for (const node of [member, residue, strength]) on(node, "keydown", (e) => e.stopPropagation());
  const line = h("div", "hw-line", "take", member, "to last digit", residue, strength, number);
  const element = h("div", "hw-slide", line, canvas, readout);
  let shown: Partial<Slide> = {};
  let table: Float32Array = new Float32Array();
  let most = 1; // at any strength, so that the bars can be compared
  let listed = "";

  function draw(slide: Partial<Slide>, asked: Asked, paint: Paint, width: number): void {
    if (slide !== shown) {
      [shown, table] = [slide, values(slide)];
      most = table.reduce((large, value) => Math.max(large, value), 0.01);
    }
    const words = slide.members ?? [];
    if (listed !== words.join()) {
      listed = words.join();
      member.replaceChildren(...words.map((word) => choice(word, word)));
    }
    if (member.value !== asked.member) member.value = asked.member;
    if (residue.value !== String(asked.residue)) residue.value = String(asked.residue);
    if (Number(strength.value) !== asked.strength) strength.value = String(asked.strength);
    number.textContent = `k = ${asked.strength.toFixed(2)}`;
    const n = words.length;
    const at = Math.max(0, slide.strengths?.indexOf(asked.strength) ?? 0);
    const row = table.subarray(at * n, at * n + n);
    bars(row, table.subarray(0, n), words, paint, width);
    const first = top(row);
    const word = words[first] ?? "several";
    const wanted = slide.wanted || "";
    const hit = wanted && word === wanted ? " ✓" : "";
    const aim = wanted ? `, wanted at k = 1: ${wanted}${hit}` : ", nothing follows in this set";
    readout.textContent = n ? `most likely: ${word} ${two(row[first])}${aim}` : (slide.error ?? "");
    element.dataset.hwMost = word;
    element.dataset.hwShare = String(row[first] ?? "");
    element.dataset.hwStrength = asked.strength.toFixed(2);
  }

  function bars(
    row: Float32Array,
    before: Float32Array,
    words: string[],
    paint: Paint,
    width: number,
  ): void {
    const feet = 10 + 6.7 * Math.max(1, ...words.map((word) => word.length));
    const context = paint.size(canvas, Math.max(160, width), HIGH + feet);
    if (!context || !words.length) return;
    const wide = (Math.max(160, width) - 8) / words.length;
    const gap = wide > 6 ? 2 : 0;
    const every = words.length <= MANY ? 1 : Math.ceil(24 / wide);
    context.font = `11px ${paint.font}`;
    context.textBaseline = "middle";
    words.forEach((word, i) => {
      const left = 4 + i * wide;
      const share = (value: number | undefined) => ((HIGH - 18) * (value ?? 0)) / most;
      context.fillStyle = "#0072b2";
      context.fillRect(left, HIGH - share(row[i]), Math.max(1, wide - gap), share(row[i]));
      context.fillStyle = "#e69f00";
      if ((before[i] ?? 0) > 0.004)
        context.fillRect(left, HIGH - share(before[i]) - 1, Math.max(2, wide - gap), 2);
      const wanted = word === shown.wanted;
      if (i % every && !wanted) return;
      context.fillStyle = wanted ? paint.pick : paint.quiet;
      context.save();
      context.translate(left + wide / 2, HIGH + 5);
      context.rotate(Math.PI / 2);
      context.textAlign = "left";
      context.fillText(word, 0, 0, feet - 6);
      context.restore();
    });
    context.fillStyle = paint.line;
    context.fillRect(0, HIGH, Math.max(160, width), 1);
    context.fillRect(0, 18, 8, 1);
    context.fillStyle = paint.quiet;
    context.textAlign = "left";
    context.fillText(`${two(most)} · line: before, bar: now`, 0, 9);
  }
  return { element, draw };
}
