import { beforeEach, describe, expect, test, vi } from "vitest";
import { Cancelled, RequestError, Rpc } from "../src/lib/rpc";
import { FakeModel } from "./fake-model";

let model: FakeModel<object>;
let life: AbortController;
let rpc: Rpc;

beforeEach(() => {
  model = new FakeModel({});
  life = new AbortController();
  rpc = new Rpc(model, life.signal);
});

const lastId = () => String(model.sent.at(-1)?.id);

describe("a request", () => {
  test("carries version, kind, id, name, key and body", () => {
    rpc.request("attention", { head: "0.1" }, { key: "map" }).catch(() => {});
    expect(model.sent).toEqual([
      { v: 1, kind: "req", id: lastId(), name: "attention", key: "map", body: { head: "0.1" } },
    ]);
  });

  test("resolves with body and buffers, once", async () => {
    const asked = rpc.request("logits");
    const buffer = new DataView(new ArrayBuffer(4));
    model.receive({ kind: "ack", id: lastId() });
    model.receive({ kind: "res", id: lastId(), status: "ok", body: { n: 1 } }, [buffer]);
    model.receive({ kind: "res", id: lastId(), status: "error", error: {} });
    await expect(asked).resolves.toEqual({ body: { n: 1 }, buffers: [buffer] });
    expect(rpc.waiting).toBe(0);
  });

  test("answers find their own request, in any order", async () => {
    const asked = ["a", "b"].map((name) => rpc.request(name));
    const [first, second] = model.sent.map((m) => m.id);
    expect(first).not.toBe(second);
    model.receive({ kind: "res", id: second, status: "ok", body: { name: "b" } });
    model.receive({ kind: "res", id: first, status: "ok", body: { name: "a" } });
    const bodies = (await Promise.all(asked)).map((answer) => answer.body.name);
    expect(bodies).toEqual(["a", "b"]);
  });

  test("rejects with Python's error", async () => {
    const asked = rpc.request("score", { kind: "indction" });
    const error = { type: "InputError", message: "expected induction" };
    model.receive({ kind: "res", id: lastId(), status: "error", error });
    await expect(asked).rejects.toThrow(RequestError);
    await expect(asked).rejects.toMatchObject(error);
  });

  test("rejects as cancelled when Python cancelled it", async () => {
    const asked = rpc.request("score");
    model.receive({ kind: "res", id: lastId(), status: "cancelled" });
    await expect(asked).rejects.toThrow(Cancelled);
  });

  test("reports progress until it is answered", async () => {
    const steps: number[] = [];
    const asked = rpc.request("score", {}, { onProgress: (step) => steps.push(step.done) });
    model.receive({ kind: "progress", id: lastId(), done: 1, total: 4, label: "layer" });
    model.receive({ kind: "progress", id: lastId(), done: 2, total: 4, label: "layer" });
    model.receive({ kind: "res", id: lastId(), status: "ok", body: {} });
    model.receive({ kind: "progress", id: lastId(), done: 3, total: 4, label: "layer" });
    await asked;
    expect(steps).toEqual([1, 2]);
  });

  test("is not disturbed by strange messages", () => {
    rpc.request("score").catch(() => {});
    const id = lastId();
    model.emit("msg:custom", null, []);
    model.emit("msg:custom", "x", []);
    model.receive({ v: 2, kind: "res", id, status: "ok" });
    model.receive({ kind: "res", id: 7, status: "ok" });
    model.receive({ kind: "res", status: "ok" });
    expect(rpc.waiting).toBe(1);
  });
});

describe("silence", () => {
  test("is reported once after 400 ms, and the request lives on", async () => {
    vi.useFakeTimers();
    const onSilence = vi.fn();
    const asked = rpc.request("score", {}, { onSilence });
    vi.advanceTimersByTime(399);
    expect(onSilence).not.toHaveBeenCalled();
    vi.advanceTimersByTime(10_000);
    expect(onSilence).toHaveBeenCalledOnce();
    model.receive({ kind: "res", id: lastId(), status: "ok", body: {} });
    vi.useRealTimers();
    await asked;
  });

  test("is not reported once Python has acknowledged", () => {
    vi.useFakeTimers();
    const onSilence = vi.fn();
    rpc.request("score", {}, { onSilence }).catch(() => {});
    model.receive({ kind: "ack", id: lastId() });
    vi.advanceTimersByTime(10_000);
    vi.useRealTimers();
    expect(onSilence).not.toHaveBeenCalled();
  });
});

describe("cancelling", () => {
  test("by signal tells Python and rejects at once", async () => {
    const control = new AbortController();
    const asked = rpc.request("score", {}, { signal: control.signal });
    const id = lastId();
    control.abort();
    await expect(asked).rejects.toThrow(Cancelled);
    expect(model.sent.at(-1)).toEqual({ v: 1, kind: "cancel", id });
    model.receive({ kind: "res", id, status: "ok", body: {} }); // late: nobody waits
  });

  test("a signal that fires after the answer sends nothing", async () => {
    const control = new AbortController();
    const asked = rpc.request("score", {}, { signal: control.signal });
    model.receive({ kind: "res", id: lastId(), status: "ok", body: {} });
    await asked;
    control.abort();
    expect(model.sent).toHaveLength(1);
  });

  test("a newer request of the same key supersedes the older, others live on", async () => {
    const older = rpc.request("attention", { head: "0.0" }, { key: "map" });
    rpc.request("attention", { head: "0.1" }, { key: "other" }).catch(() => {});
    rpc.request("attention", { head: "0.2" }, { key: "map" }).catch(() => {});
    await expect(older).rejects.toThrow(/superseded/);
    expect(rpc.waiting).toBe(2);
  });

  test("an aborted signal asks nothing", async () => {
    await expect(rpc.request("score", {}, { signal: AbortSignal.abort() })).rejects.toThrow(
      Cancelled,
    );
    expect(model.sent).toEqual([]);
  });
});

describe("when the widget dies", () => {
  test("everything pending is rejected and no listener stays", async () => {
    const asked = rpc.request("score");
    expect(model.listening).toBe(1);
    life.abort();
    await expect(asked).rejects.toThrow(Cancelled);
    expect(model.listening).toBe(0);
    await expect(rpc.request("score")).rejects.toThrow(Cancelled);
  });
});
