// Requests to the session: the other half of headwidgets/widgets/dispatch.py.
// One listener per model, made in `initialize`; it and everything pending die with the
// signal. There is no fixed timeout: a busy kernel answers when it can. Where a host drops
// the buffers of messages, the answer is asked for once more, and so are all later ones, in
// a trait (`carried`, see headwidgets/widgets/carried.py).

import type { AnyModel } from "@anywidget/types";

const VERSION = 1;
const SILENT_MS = 400;

export interface Answer {
  body: Record<string, unknown>;
  buffers: DataView[];
}

export interface Step {
  done: number;
  total: number;
  label: string;
}

export interface Options {
  /** A newer request of the same key cancels this one, here and in Python. */
  key?: string;
  signal?: AbortSignal;
  onProgress?: (step: Step) => void;
  /** Called once if the kernel has said nothing for 400 ms: it is busy, or gone. */
  onSilence?: () => void;
}

/** Python refused or failed; `type` is the name of its exception. */
export class RequestError extends Error {
  override name = "RequestError";
  constructor(
    readonly type: string,
    message: string,
  ) {
    super(message);
  }
}

/** The request was cancelled, superseded, or its widget is gone. */
export class Cancelled extends Error {
  override name = "Cancelled";
}

interface Pending {
  again: () => void;
  key: string | undefined;
  settle: (outcome: Answer | Error) => void;
  heard: () => void;
  onProgress: ((step: Step) => void) | undefined;
}

// biome-ignore lint/suspicious/noExplicitAny: any model can carry requests
type Model = Pick<AnyModel<any>, "on" | "off" | "send" | "get">;

export class Rpc {
  readonly #pending = new Map<string, Pending>();
  readonly #prefix = Math.random().toString(36).slice(2, 10);
  #count = 0;
  #viaTraits = false;

  constructor(
    private readonly model: Model,
    private readonly signal: AbortSignal,
  ) {
    const listen = (message: unknown, buffers: DataView[]) => this.#receive(message, buffers);
    model.on("msg:custom", listen);
    const end = () => {
      model.off("msg:custom", listen);
      for (const { settle } of [...this.#pending.values()]) settle(new Cancelled("widget closed"));
    };
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
  }

  /** How many requests wait for an answer. */
  get waiting(): number {
    return this.#pending.size;
  }

  /** Ask Python; resolves with its answer, rejects with RequestError or Cancelled. */
  request(
    name: string,
    body: Record<string, unknown> = {},
    options: Options = {},
  ): Promise<Answer> {
    const { key, signal } = options;
    if (this.signal.aborted || signal?.aborted) {
      return Promise.reject(new Cancelled(`${name} was not asked`));
    }
    const id = `${this.#prefix}-${++this.#count}`;
    for (const older of [...this.#pending.values()]) {
      if (key !== undefined && older.key === key) older.settle(new Cancelled("superseded"));
    }
    return new Promise((resolve, reject) => {
      const silence = setTimeout(() => options.onSilence?.(), SILENT_MS);
      const abort = () => {
        this.#send({ kind: "cancel", id });
        settle(new Cancelled(`${name} was cancelled`));
      };
      const settle = (outcome: Answer | Error) => {
        this.#pending.delete(id);
        clearTimeout(silence);
        signal?.removeEventListener("abort", abort);
        outcome instanceof Error ? reject(outcome) : resolve(outcome);
      };
      signal?.addEventListener("abort", abort, { once: true });
      const heard = () => clearTimeout(silence);
      const again = () => {
        this.#pending.delete(id);
        clearTimeout(silence);
        signal?.removeEventListener("abort", abort);
        this.request(name, body, options).then(resolve, reject);
      };
      this.#pending.set(id, { key, settle, again, heard, onProgress: options.onProgress });
      const via = this.#viaTraits ? { via: "traits" } : {};
      this.#send({ kind: "req", id, name, body, ...(key === undefined ? {} : { key }), ...via });
    });
  }

  #send(content: Record<string, unknown>): void {
    this.model.send({ v: VERSION, ...content });
  }

  #receive(message: unknown, buffers: DataView[]): void {
    if (typeof message !== "object" || message === null) return;
    const m = message as Record<string, unknown>;
    const pending = typeof m.id === "string" ? this.#pending.get(m.id) : undefined;
    if (m.v !== VERSION || !pending) return; // another tab's, or answered already
    pending.heard();
    if (m.kind === "progress") pending.onProgress?.(readStep(m));
    if (m.kind !== "res") return;
    if (m.carried) this.#carried(m, pending);
    else if (Number(m.buffers ?? 0) > (buffers?.length ?? 0) && !this.#viaTraits) {
      this.#viaTraits = true;
      pending.again();
    } else pending.settle(readOutcome(m, buffers));
  }

  /** Wait for the trait that carries an answer's buffers; it may come after the answer. */
  #carried(m: Record<string, unknown>, { settle }: Pending): void {
    const look = () => {
      const { id, buffers } = this.model.get("carried") ?? {};
      if (id !== m.id && this.#pending.has(String(m.id))) return;
      this.model.off("change:carried", look);
      if (id === m.id) settle(readOutcome(m, buffers));
    };
    this.model.on("change:carried", look);
    look();
  }
}

function readStep(m: Record<string, unknown>): Step {
  return { done: Number(m.done), total: Number(m.total), label: String(m.label ?? "") };
}

function readOutcome(m: Record<string, unknown>, buffers: DataView[] | undefined): Answer | Error {
  if (m.status === "ok") {
    return { body: (m.body ?? {}) as Answer["body"], buffers: buffers ?? [] };
  }
  if (m.status === "cancelled") return new Cancelled("cancelled in Python");
  const error = (m.error ?? {}) as { type?: string; message?: string };
  return new RequestError(error.type ?? "Error", error.message ?? "Python gave no reason");
}
