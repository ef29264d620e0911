// Three kinds of a small taxonomy, and what was measured of two of them on two layers of two heads.

import { encode } from "../src/lib/wire";
import type { Card, Found } from "../src/views/taxonomy-data";

const card = (name: string, more: Partial<Card>): Card => ({
  ...{ name, title: `${name} head`, stage: "reasoning", category: "learning", definition: "" },
  ...{ formula: "A", math: "", words: "", data: "", unit: "", null: "", threshold: 0.4 },
  ...{ threshold_origin: "paper", threshold_note: "plots", evidence: "attention", source: "" },
  ...{ proof: "resample its output", proof_task: "", proof_sign: 1, traps: [], claim: "claimable" },
  ...{ shares: "", aliases: [] },
  ...more,
});

export const CARDS: Card[] = [
  card("memory", { stage: "recalling", category: "tasks", evidence: "direct attribution" }),
  card("letter", { claim: "may form" }),
  card("induction", {
    ...{ title: "Induction head", definition: "looks at what followed", traps: ["A trap."] },
    ...{ proof_task: "repeated random tokens" },
    math: '<math xmlns="http://www.w3.org/1998/Math/MathML"><mi>A</mi></math>',
  }),
];

const VERDICTS = ["not measurable here", "no", "candidate", "consistent with"];
const nothing: Omit<Found, "row"> = {
  ...{ measurable: true, reason: "", null_max: 0.13, n: 16, accuracy: null, stale: false },
  ...{ measured_on: "random tokens", edits: "", counts: {}, best: [] },
};

/** Traits as headwidgets/widgets/roles_table.py packs them; heads 0.0, 0.1, 1.0, 1.1. */
export function packed({ stale = false } = {}) {
  const nan = Number.NaN;
  const scores = [nan, nan, nan, nan, 0.02, 0.3, 0.9, -0.1];
  const ps = [nan, nan, nan, nan, 1, 0.001, 0.001, 1];
  const parts = [
    encode(new Float32Array(scores), [2, 2, 2]),
    encode(new Float32Array(ps), [2, 2, 2]),
    encode(new Uint8Array([0, 0, 0, 0, 1, 2, 3, 1]), [2, 2, 2]),
  ];
  const bytes = new Uint8Array(1 + parts.reduce((sum, [, one]) => sum + one.byteLength, 0));
  let at = 1; // so that no array begins where its type would like it
  for (const [, part] of parts) {
    bytes.set(new Uint8Array(part), at);
    at += part.byteLength;
  }
  const kinds: Record<string, Found> = {
    letter: { ...nothing, row: 0, measurable: false, reason: "the model is at chance", stale },
    induction: {
      ...{ ...nothing, row: 1, stale, counts: { "consistent with": 1, candidate: 1, no: 2 } },
      best: [
        { head: "1.0", score: 0.9, se: 0.01, p: 0.001, verdict: "consistent with", reason: "" },
        { head: "0.1", score: 0.3, se: null, p: 0.001, verdict: "candidate", reason: "" },
      ],
    },
  };
  const proof = { kind: "induction", head: "1.0", share: 0.84, p: 0.0001, n: 100, reason: "why" };
  return {
    roles: {
      ...{ arrays: parts.map(([header]) => header), verdicts: VERDICTS, kinds },
      proofs: [{ ...proof, passed: true, stale: false }],
    },
    roles_data: new DataView(bytes.buffer, 1),
  };
}
