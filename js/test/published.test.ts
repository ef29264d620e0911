import { expect, test } from "vitest";
import {
  cited,
  claims,
  inALine,
  inFull,
  measured,
  type PublishedHeader,
  readPublished,
  spokenClaims,
  voices,
} from "../src/lib/published";
import { claimLines, folds } from "../src/views/published-marks";

const WORDS = [
  ...["McDougall et al. 2023 (arXiv 2310.04625)", "computed", "direct effect", "attribution"],
  ...["Wang et al. 2022 (arXiv 2211.00593)", "paper", "", "IOI circuit"],
  ...["owner/some_tool", "code", "copy score, %"],
];
/** As headwidgets/widgets/published.py packs it. */
const HEADER: PublishedHeader = {
  model: "gpt2",
  words: WORDS,
  facts: {
    "name mover": [
      ["1.1", -3.1119, 0, 1, 2, 3],
      ["0.1", 1.797, 0, 1, 2, 3],
      ["1.0", 0.004, 0, 1, 2, 3],
      ["1.1", null, 4, 5, 6, 7],
      ["0.1", null, 4, 5, 6, 7],
      ["1.1", 85.6, 8, 9, 10, 3],
    ],
    induction: [["1.1", null, 4, 5, 6, 7]],
  },
};
const known = readPublished(HEADER);

test("facts are found by kind and by head, with their words", () => {
  expect([...known.kinds.keys()]).toEqual(["name mover", "induction"]);
  expect([...known.heads.keys()]).toEqual(["1.1", "0.1", "1.0"]);
  const about = { source: WORDS[4], status: "paper", measure: "", method: "IOI circuit" };
  expect(known.heads.get("1.1")?.at(-1)).toEqual({
    ...{ kind: "induction", head: "1.1", value: null },
    ...about,
  });
  for (const nothing of [undefined, {}]) {
    const { heads, kinds } = readPublished(nothing);
    expect([heads.size, kinds.size]).toEqual([0, 0]);
  }
});

test("of several sources, the one that was checked nearest comes first", () => {
  const said = voices(known.kinds.get("name mover") ?? []);
  expect(said.map(({ status }) => status)).toEqual(["paper", "code", "computed"]);
  expect(said[2]?.facts.map(({ head }) => head)).toEqual(["1.1", "0.1", "1.0"]);
  expect(claims(known, "1.1").map(([kind, { length }]) => [kind, length])).toEqual([
    ["name mover", 3],
    ["induction", 1],
  ]);
  expect(claims(known, "0.0")).toEqual([]);
});

test.each([
  ["Wang et al. 2022 (arXiv 2211.00593)", "Wang et al. 2022"],
  ["Merullo, Eickhoff and Pavlick 2024 (arXiv 2310.08744)", "Merullo et al. 2024"],
  ["García-Carrasco, Maté and Trujillo 2024b (arXiv 2407.19842)", "García-Carrasco et al. 2024b"],
  ["Ji-An et al. 2024 (arXiv 2405.14992), saved scores of corxyz/icl-cmr", "Ji-An et al. 2024"],
  ["TransformerLensOrg/TransformerLens", "TransformerLens"],
  ["ARENA exercises, callummcdougall/attn_only_2L_half", "ARENA exercises"],
])("%s is cited as %s", (source, short) => {
  expect(cited(source)).toBe(short);
});

test("a value has three digits, and a share its sign", () => {
  const values = known.kinds.get("name mover")?.map(measured);
  expect(values).toEqual(["−3.11", "1.8", "0.004", "", "", "85.6 %"]);
});

test("a kind's heads in a line are those of the nearest source; others are counted", () => {
  expect(inALine(known, "name mover")).toBe("1.1, 0.1 (Wang et al. 2022) +1");
  expect(inALine(known, "induction", true)).toBe("1.1 (Wang et al.)");
  expect(inALine(known, "memory")).toBe("");
  const heads = ["10.10", "10.6", "10.2", "9.7"];
  const rows = heads.map((head) => [head, null, 4, 5, 6, 7] as never);
  const many = readPublished({ ...HEADER, facts: { induction: rows } });
  expect(inALine(many, "induction")).toBe("10.10, 10.6, 10.2, 9.7 (Wang et al. 2022)");
  expect(inALine(many, "induction", true)).toBe("10.10, 10.6 (Wang et al.) +2");
});

test("a head's lines say kind, value, source and status; the rest is their title", () => {
  const [first, second] = claimLines(known, "1.1");
  expect(first?.textContent).toBe("name mover Wang et al. 2022 · paper, +2 more");
  expect(first?.title.split("\n")).toEqual([
    "Wang et al. 2022 (arXiv 2211.00593), paper; IOI circuit",
    "owner/some_tool, code; 85.6 % (copy score, %); attribution",
    "McDougall et al. 2023 (arXiv 2310.04625), computed; −3.11 (direct effect); attribution",
  ]);
  expect(second?.textContent).toBe("induction Wang et al. 2022 · paper");
  expect(claimLines(known, "1.0")[0]?.textContent).toBe(
    "name mover 0.004 McDougall et al. 2023 · computed",
  );
  expect(inFull(known.heads.get("1.0")?.[0] as never)).toContain("0.004 (direct effect)");
  expect(claimLines(known, "0.0")).toEqual([]);
  const six = Object.fromEntries([..."abcdef"].map((kind) => [kind, [["0.0", null, 4, 5, 6, 7]]]));
  const lines = claimLines(readPublished({ ...HEADER, facts: six } as PublishedHeader), "0.0");
  expect(lines.map((line) => line.textContent).slice(3)).toEqual([
    "d Wang et al. 2022 · paper",
    "and as 2 more",
  ]);
});

test("for those who do not see it, it is said", () => {
  expect(spokenClaims(known, "1.1")).toBe(
    "published as name mover by Wang et al. 2022, paper; induction by Wang et al. 2022, paper",
  );
  expect(spokenClaims(known, "0.0")).toBe("");
});

test("every published head's cell has its lower right corner folded, once", () => {
  const drawn: unknown[] = [];
  const context = {
    ...{ fillStyle: "", globalAlpha: 1, beginPath() {}, moveTo() {} },
    lineTo: (x: number, y: number) => drawn.push([x, y]),
    fill: () => drawn.push([context.fillStyle, context.globalAlpha]),
  };
  const paint = { surface: "white", cite: "pink" };
  const seen = (head: string) => (head === "1.1" ? 1 : 0.15);
  const one = readPublished({ ...HEADER, facts: { induction: HEADER.facts?.induction ?? [] } });
  folds(context as never, one, { wide: 50, high: 20, seen }, paint as never);
  const [x, y] = [24 + 2 * 50 - 2, 18 + 2 * 20 - 2];
  const corner = (side: number) => [
    [x, y],
    [x - side, y],
  ];
  expect(drawn).toEqual([...corner(10), ["white", 1], ...corner(8), ["pink", 1]]);
  folds(context as never, known, { wide: 50, high: 20, seen }, paint as never);
  expect(drawn.filter((one) => (one as unknown[])[0] === "pink")).toEqual([
    ["pink", 1],
    ...[1, 0.15, 0.15].map((alpha) => ["pink", alpha]),
  ]);
});
