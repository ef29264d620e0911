import { expect, test } from "vitest";
import { type Mount, mount, type Shown } from "../src/views";
import { FakeModel } from "./fake-model";

const settle = () => new Promise((done) => setTimeout(done));

function shown(tools: string): Shown {
  return { session: new FakeModel({ tools }), own: null, ask: null } as unknown as Shown;
}

test("a view of the second bundle is drawn once that is loaded, and it is loaded once", async () => {
  const drawn: string[] = [];
  let loads = 0;
  const load = async () => {
    loads++;
    const grid: Mount = (_shown, root) => drawn.push(root.id);
    return { tools: () => ({ grid }) };
  };
  const life = new AbortController();
  for (const id of ["a", "b"]) {
    const root = document.createElement("section");
    root.id = id;
    mount("grid", shown("the text"), root, life.signal, load);
  }
  await settle();
  expect([drawn, loads]).toEqual([["a", "b"], 1]);
  mount("grid", shown("the text"), document.createElement("section"), AbortSignal.abort(), load);
  await settle();
  expect(drawn).toHaveLength(2);
});

test("a view that is not there, or cannot be loaded, says so in its place", async () => {
  const root = document.createElement("section");
  mount("atlas", shown(""), root, new AbortController().signal);
  expect(root.textContent).toContain("no view named “atlas”");
  const broken = () => Promise.reject(new Error("no blobs here"));
  mount("grid", shown("another text"), root, new AbortController().signal, broken);
  await settle();
  expect(root.textContent).toContain("no blobs here");
  expect(root.dataset.hwState).toBe("error");
});
