import { expect, test } from "vitest";
import { type Mount, mount, type Shown } from "../src/views";
import { FakeModel } from "./fake-model";

const settle = () => new Promise((done) => setTimeout(done));

function shown(held: object, live = true) {
  const session = Object.assign(new FakeModel({ tools: "", taxonomy: "", ...held }), { live });
  return { session, given: { session, own: null, ask: null } as unknown as Shown };
}

/** A bundle that counts how often it is run, and what it draws. */
function bundle(name: string) {
  const done = { drawn: [] as string[], loads: 0 };
  const load = async () => {
    done.loads++;
    const view: Mount = (_shown, root) => done.drawn.push(root.id);
    return { views: () => ({ [name]: view }) };
  };
  return { done, load };
}

test("a view of a further bundle is drawn once that is loaded, and it is loaded once", async () => {
  const { done, load } = bundle("grid");
  const life = new AbortController();
  const { given } = shown({ tools: "the text" });
  for (const id of ["a", "b"]) {
    const root = document.createElement("section");
    root.id = id;
    mount("grid", given, root, life.signal, load);
  }
  await settle();
  expect([done.drawn, done.loads]).toEqual([["a", "b"], 1]);
  mount("grid", given, document.createElement("section"), AbortSignal.abort(), load);
  await settle();
  expect(done.drawn).toHaveLength(2);
});

test("a view whose bundle the session does not hold yet waits for it", async () => {
  const { done, load } = bundle("taxonomy");
  const root = document.createElement("section");
  const { session, given } = shown({ tools: "some other text" });
  mount("taxonomy", given, root, new AbortController().signal, load);
  await settle();
  expect([root.textContent, root.dataset.hwState]).toEqual(["waiting for the kernel", "busy"]);
  session.set("taxonomy", "its text");
  await settle();
  expect([done.loads, done.drawn.length, root.textContent]).toEqual([1, 1, ""]);
  expect(session.listening).toBe(0);
  const life = new AbortController();
  const late = shown({});
  mount("taxonomy", late.given, root, life.signal, load);
  life.abort();
  expect(late.session.listening, "nor where it never comes").toBe(0);
});

test("without a kernel nothing comes any more, and it says so", () => {
  const root = document.createElement("section");
  mount("taxonomy", shown({}, false).given, root, new AbortController().signal);
  expect(root.textContent).toBe("static copy: run the notebook to see this");
  expect(root.dataset.hwState).toBe("ready");
});

test("a view that is not there, or cannot be loaded, says so in its place", async () => {
  const root = document.createElement("section");
  const { given } = shown({ tools: "a third text" });
  mount("atlas", given, root, new AbortController().signal, bundle("grid").load);
  await settle();
  expect(root.textContent).toContain("no view named “atlas”");
  const broken = () => Promise.reject(new Error("no blobs here"));
  const other = shown({ tools: "another text" }).given;
  mount("grid", other, root, new AbortController().signal, broken);
  await settle();
  expect(root.textContent).toContain("no blobs here");
  expect(root.dataset.hwState).toBe("error");
});
