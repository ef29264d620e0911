import { describe, expect, it, vi } from "vitest";
import { isLive, living, whenLive } from "../src/lib/live";
import type { Look } from "../src/lib/session";
import { ask, Model, start, unpack } from "../src/page";
import { FakeModel } from "./fake-model";

describe("a page's model", () => {
  it("tells who listens, once a change, until they leave", () => {
    const model = new Model({ selection: "0.0" });
    const told = vi.fn();
    model.on("change:selection", told);
    model.set("selection", "0.0");
    expect(told).not.toHaveBeenCalled();
    model.set("selection", "1.2");
    model.save_changes();
    expect(model.get("selection")).toBe("1.2");
    model.off("change:selection", told);
    model.set("selection", "0.1");
    expect(told).toHaveBeenCalledTimes(1);
  });

  it("has its bytes back where they belong", () => {
    const model = unpack({
      state: { map_data: null, table: { columns: [null] } },
      buffers: [
        [["map_data"], "AQL/"],
        [["table", "columns", 0], ""],
      ],
    });
    const bytes = model.get("map_data") as DataView;
    expect([bytes.byteLength, bytes.getUint8(2)]).toEqual([3, 255]);
    expect((model.get("table") as { columns: DataView[] }).columns[0]?.byteLength).toBe(0);
  });

  it("is not alive, and asks nobody", async () => {
    expect(isLive(new Model({}))).toBe(false);
    await expect(ask("map")).rejects.toThrow("static copy: run the notebook");
  });
});

it("mounts the saved view over the saved traits", async () => {
  const mount = vi.fn();
  const load = vi.fn(async () => ({ mount }));
  const none: never[] = [];
  const saved = {
    view: "attention",
    session: { state: { tokens: ["</script>", "\ud800"] }, buffers: none },
    own: { state: { wide: true }, buffers: none },
    code: "the code",
  };
  const root = document.createElement("main");
  await start(JSON.stringify(saved), root, load);
  expect(load).toHaveBeenCalledWith("the code");
  const [view, shown, at] = mount.mock.calls[0] ?? [];
  expect([view, at]).toEqual(["attention", root]);
  expect(shown.session.get("tokens")).toEqual(["</script>", "\ud800"]);
  expect(shown.own.get("wide")).toBe(true);
});

describe("a host's model", () => {
  const look = () => new FakeModel({ selection: "" }) as unknown as FakeModel<object> & Look;

  it("is alive unless its comm is known to be gone", () => {
    const { signal } = new AbortController();
    const raw = { comm_live: true };
    const session = living(look(), raw, signal);
    expect(isLive(session)).toBe(true);
    raw.comm_live = false;
    expect(isLive(session)).toBe(false);
    expect(isLive(living(look(), undefined, signal))).toBe(true);
    expect(isLive(look())).toBe(true);
  });

  it("is no longer alive when its kernel is closed", () => {
    const slots = new Set<() => void>();
    const disposed = {
      connect: (slot: () => void) => slots.add(slot),
      disconnect: (slot: () => void) => slots.delete(slot),
    };
    const end = new AbortController();
    const raw = { comm_live: true, widget_manager: { kernel: { disposed } } };
    const session = living(look(), raw, end.signal);
    expect(isLive(session)).toBe(true);
    for (const slot of slots) slot();
    expect(isLive(session)).toBe(false);
    end.abort();
    expect(slots.size).toBe(0);
    expect(isLive(living(look(), { widget_manager: { kernel: null } }, end.signal))).toBe(true);
  });

  it("tells when a kernel goes, until the view is gone", () => {
    const model = look();
    const told = vi.fn();
    const end = new AbortController();
    whenLive(living(model, {}, end.signal), told, end.signal);
    model.emit("comm_live_update");
    end.abort();
    model.emit("comm_live_update");
    expect(told).toHaveBeenCalledTimes(1);
    expect(model.listening).toBe(0);
  });
});
