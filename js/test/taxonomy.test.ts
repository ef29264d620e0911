import type { AnyModel } from "@anywidget/types";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { mathml } from "../src/lib/mathml";
import { Cancelled } from "../src/lib/rpc";
import type { Look } from "../src/lib/session";
import { type Kinds, type KindsOwn, mountTaxonomy } from "../src/views/taxonomy";
import { FakeModel } from "./fake-model";
import { framesAtOnce } from "./frames";
import { CARDS, packed } from "./taxonomy-made";

interface Asked {
  name: string;
  body: Record<string, unknown>;
  options: {
    signal: AbortSignal;
    onProgress: (step: object) => void;
    onSilence: () => void;
  };
  answer: (value?: unknown) => void;
  fail: (error: Error) => void;
}

let session: FakeModel<Kinds>;
let own: FakeModel<KindsOwn>;
let life: AbortController;
let asked: Asked[];
let root: HTMLElement;

beforeEach(() => {
  session = new FakeModel({
    ...{ selection: "1.0", model: { name: "planted", n_layers: 2, n_heads: 2 } },
    ...{ kinds: CARDS, ...packed() },
  } as unknown as Kinds);
  own = new FakeModel({
    ...{ kind: "", stage: "", evidence: "", verdict: "", text: "" },
  } as unknown as KindsOwn);
  life = new AbortController();
  asked = [];
  root = document.createElement("section");
  document.body.append(root);
  framesAtOnce();
});
afterEach(() => {
  life.abort();
  root.remove();
  vi.unstubAllGlobals();
});

function show(): void {
  const ask = (name: string, body: object, options: object) =>
    new Promise((answer, fail) => asked.push({ name, body, options, answer, fail } as never));
  const look = session as unknown as Look;
  const model = own as unknown as AnyModel<never>;
  mountTaxonomy({ session: look, own: model, ask: ask as never }, root, life.signal);
}

const grid = () => root.querySelector<HTMLElement>('[role="grid"]') as HTMLElement;
const press = (key: string, on: Element = grid()) =>
  on.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
const cell = (kind: string) => root.querySelector<HTMLElement>(`[data-kind="${kind}"]`);
const kinds = () => [...root.querySelectorAll<HTMLElement>(".hw-kind")].map((k) => k.dataset.kind);
const side = () => [...root.querySelectorAll<HTMLElement>(".hw-side > section")];
const button = (text: string) =>
  [...root.querySelectorAll("button")].find(({ textContent }) =>
    text === "measure" ? textContent === text : textContent?.startsWith(text),
  );
const settle = () => new Promise((done) => setTimeout(done));

test("each stage is a row of cards, each card says its best head, its null and its verdict", () => {
  show();
  expect(root.dataset.hwState).toBe("ready");
  const rows = [...grid().querySelectorAll('[role="row"]')];
  expect(rows.map((row) => row.querySelector("b")?.textContent)).toEqual([
    "1  recalling",
    "2  reasoning",
  ]);
  expect(cell("induction")?.textContent).toBe(
    "Ainduction● 1.0  0.90○ 0.1null 0.13 · p 0.001consistent with",
  );
  expect(cell("letter")?.textContent).toContain("– not measurable herethe model is at chance");
  expect(cell("memory")?.textContent).toContain("… not measured yet");
  expect(cell("induction")?.getAttribute("aria-label")).toBe(
    "induction, consistent with, head 1.0, 0.90, null 0.13, p 0.001, attention evidence, claimable, learning",
  );
  expect(root.querySelector(".hw-kindline")?.textContent).toContain("1 of 3 kinds measured");
});

test("cards and the passport name the heads that others published", () => {
  const words = ["Wang et al. 2022 (arXiv 2211.00593)", "paper", "", "a circuit"];
  words.push("owner/tool", "code", "matching score");
  const rows = [
    ["1.0", null, 0, 1, 2, 3],
    ["0.1", 0.123, 4, 5, 6, 3],
  ];
  session.set("published", { model: "gpt2", words, facts: { induction: rows } } as never);
  own.set("kind", "induction");
  show();
  expect(cell("induction")?.textContent).toContain("consistent with1.0 (Wang et al.) +1");
  expect(cell("induction")?.getAttribute("aria-label")).toContain(
    "learning, published: 1.0 (Wang et al. 2022) +1",
  );
  expect(cell("memory")?.textContent).not.toContain("Wang");
  const [card, passport] = side();
  expect(card?.querySelector(".hw-cited")?.textContent).toBe(
    "published for gpt2Wang et al. 2022 · paper1.0tool · code0.10.123",
  );
  expect(passport?.querySelector(".hw-claims")?.textContent).toBe(
    "induction Wang et al. 2022 · paper",
  );
  const other = [...(card?.querySelectorAll<HTMLElement>(".hw-cited button") ?? [])][1];
  expect(other?.title).toBe("owner/tool, code; 0.123 (matching score); a circuit");
  other?.click();
  expect(session.get("selection")).toBe("0.1");
  expect(side()[1]?.querySelector(".hw-claims")?.textContent).toBe("induction 0.123 tool · code");
});

test("a model of which nothing was published has cards as before", () => {
  own.set("kind", "induction");
  show();
  expect(root.querySelector(".hw-fold, .hw-cited, .hw-tall")).toBeNull();
});

test("where the heads of a stage sit is counted in thirds", () => {
  show();
  expect([...root.querySelectorAll(".hw-thirds")].map((one) => one.textContent)).toEqual([
    "first third 0 · middle 0 · last 0",
    "first third 1 · middle 1 · last 0",
  ]);
});

test("one tab stop; arrows move, Enter opens a card and closes it, Escape leaves", () => {
  show();
  expect(
    root.querySelectorAll('[role="grid"][tabindex="0"], [role="gridcell"][tabindex]'),
  ).toHaveLength(1);
  const at = () =>
    root.querySelector<HTMLElement>(`#${grid().getAttribute("aria-activedescendant")}`)?.dataset
      .kind;
  grid().focus();
  expect(at()).toBe("memory");
  press("End");
  expect(at()).toBe("induction");
  press("ArrowLeft");
  press("ArrowRight");
  press("Enter");
  expect(own.get("kind")).toBe("induction");
  expect(cell("induction")?.getAttribute("aria-selected")).toBe("true");
  expect(at(), "opening a card leaves the cursor where it is").toBe("induction");
  press("Enter");
  expect(own.get("kind")).toBe("");
  press("Escape");
  expect(document.activeElement).not.toBe(grid());
});

test("a click on a card opens it, a click on a head selects that head in the session", () => {
  show();
  expect(side()[0]?.textContent).toContain("How to read this");
  cell("induction")?.click();
  const [open, known] = side();
  for (const part of [
    "Induction head",
    "0.4, from the paper: plots",
    "resample its output",
    "A trap.",
  ])
    expect(open?.textContent).toContain(part);
  expect(open?.querySelector("math mi")?.textContent).toBe("A");
  expect(known?.textContent).toContain("head 1.0");
  cell("induction")?.querySelectorAll<HTMLElement>(".hw-role")[1]?.click();
  expect(session.get("selection")).toBe("0.1");
  expect(own.get("kind"), "the card stays open").toBe("induction");
  expect(side()[1]?.textContent).toContain("head 0.1");
  expect(side()[1]?.textContent).toContain("○ candidateinduction0.300.130.001");
});

test("the best heads of an open card bear what a proof came to", () => {
  own.set("kind", "induction");
  show();
  const rows = [...(side()[0]?.querySelectorAll("tbody tr") ?? [])].map((row) => row.textContent);
  expect(rows).toEqual([
    "1.00.90 ± 0.0100.001● consistent with ✓ confirmed, 84 %",
    "0.10.300.001○ candidate",
  ]);
  side()[0]?.querySelectorAll<HTMLElement>("tbody button")[1]?.click();
  expect(session.get("selection")).toBe("0.1");
  press("Escape", side()[0] as Element);
  expect(document.activeElement).toBe(grid());
});

test("a card is measured, its progress is shown, and it can be stopped", async () => {
  own.set("kind", "memory");
  show();
  button("measure")?.click();
  expect(asked[0]).toMatchObject({ name: "score kind", body: { kind: "memory" } });
  expect(root.dataset.hwState).toBe("busy");
  expect(button("confirm")?.disabled).toBe(true);
  asked[0]?.options.onProgress({ done: 3, total: 10, label: "prompts" });
  expect(root.querySelector("progress")?.value).toBe(0.3);
  expect(root.querySelector('[role="status"]')?.textContent).toBe("measuring memory");
  button("cancel")?.click();
  expect(asked[0]?.options.signal.aborted).toBe(true);
  asked[0]?.fail(new Cancelled("stopped"));
  await settle();
  expect(root.dataset.hwState).toBe("ready");
  expect(root.querySelector('[role="status"]')?.textContent).toContain("1 of 3 kinds measured");
});

test("measuring all tells whole kinds, not what happens within one", async () => {
  show();
  button("measure all")?.click();
  expect(asked[0]).toMatchObject({ name: "score kinds", body: {} });
  const step = (done: number, total: number, label: string) =>
    asked[0]?.options.onProgress({ done, total, label });
  step(10, 40, "scoring memory on random tokens");
  step(90, 100, "prompts");
  expect(root.querySelector("progress")?.value).toBe(0.25);
  expect(root.querySelector('[role="status"]')?.textContent).toBe(
    "scoring memory on random tokens",
  );
  asked[0]?.fail(new Error("no tokenizer"));
  await settle();
  expect(root.querySelector(".hw-why")?.textContent).toBe("no tokenizer");
});

test("the selected head is confirmed; without a task it says that none proves it", () => {
  own.set("kind", "induction");
  show();
  button("confirm 1.0")?.click();
  expect(asked[0]).toMatchObject({
    name: "confirm kind",
    body: { kind: "induction", head: "1.0" },
  });
  own.set("kind", "memory");
  expect(button("confirm")?.disabled).toBe(true);
  expect(side()[0]?.textContent).toContain("no task proves it");
});

test("filters keep kinds by stage, evidence, verdict, words, and by what a head is", () => {
  show();
  const only = (name: keyof KindsOwn, value: string) => {
    own.set(name, value as never);
    const found = kinds();
    own.set(name, "" as never);
    return found;
  };
  expect(only("stage", "reasoning")).toEqual(["letter", "induction"]);
  expect(only("evidence", "direct attribution")).toEqual(["memory"]);
  expect(only("verdict", "not measured yet")).toEqual(["memory"]);
  expect(only("text", "FOLLOWED")).toEqual(["induction"]);
  expect(only("text", "0.1")).toEqual(["induction"]);
  expect(only("text", "0.0")).toEqual([]);
  own.set("text", "nothing like it");
  expect(grid().textContent).toBe("no kind passes this filter");
  const stage = root.querySelector<HTMLSelectElement>('[aria-label="stage"]');
  if (!stage) throw new Error("no filter");
  stage.value = "reasoning";
  stage.dispatchEvent(new Event("change"));
  expect(own.get("stage")).toBe("reasoning");
});

test("what is older than the session says so, also without colour", () => {
  for (const [name, value] of Object.entries(packed({ stale: true })))
    session.set(name as "roles", value as never);
  own.set("kind", "induction");
  show();
  expect(cell("induction")?.textContent).toContain("before your edit");
  expect(side()[0]?.querySelector(".hw-badge")?.textContent).toBe("before your edit");
  expect(side()[1]?.textContent).toContain("before your edit");
  expect(button("measure again")).toBeTruthy();
});

test("without a kernel nothing can be measured, and it says why", () => {
  Object.assign(session, { live: false });
  own.set("kind", "induction");
  show();
  expect(root.dataset.hwState).toBe("ready");
  expect(button("measure all")?.disabled).toBe(true);
  expect(button("measure again")?.disabled).toBe(true);
  expect(side()[0]?.textContent).toContain("static copy: run the notebook");
  session.set("kinds", []);
  expect(root.textContent).toContain("static copy: run the notebook to see the kinds of head");
});

test("bytes that do not fit are an error in words", () => {
  session.set("roles_data", new DataView(new ArrayBuffer(3)));
  show();
  expect(root.dataset.hwState).toBe("error");
  expect(root.querySelector(".hw-why")?.textContent).toContain("expected");
});

test("it stops listening and computing with its signal", () => {
  show();
  button("measure all")?.click();
  life.abort();
  expect(asked[0]?.options.signal.aborted).toBe(true);
  expect(session.listening + own.listening).toBe(0);
  expect(root.childElementCount).toBe(0);
});

test("a formula is built from its own elements and nothing else", () => {
  const made = mathml(
    '<math xmlns="urn:m"><mfrac onclick="x()"><mi mathvariant="normal">A</mi><script>1</script></mfrac></math>',
  );
  expect(made?.querySelector("script")).toBeNull();
  expect(made?.querySelector("mfrac")?.hasAttribute("onclick")).toBe(false);
  expect(made?.querySelector("mi")?.getAttribute("mathvariant")).toBe("normal");
  expect(mathml("<p>no</p>")).toBeNull();
  expect(mathml("")).toBeNull();
});
