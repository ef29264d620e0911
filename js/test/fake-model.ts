// A stand-in for the host's model: traits, events, and the messages that were sent.

type Listener = (...args: never[]) => void;

export class FakeModel<T extends object> {
  sent: Record<string, unknown>[] = [];
  readonly listeners = new Map<string, Set<Listener>>();
  // biome-ignore lint/suspicious/noExplicitAny: unused here
  widget_manager: any = null;

  constructor(private readonly state: T) {}

  get<K extends keyof T>(key: K): T[K] {
    return this.state[key];
  }
  set<K extends keyof T>(key: K, value: T[K]): void {
    this.state[key] = value;
    this.emit(`change:${String(key)}`);
  }
  save_changes(): void {}
  on(name: string, listener: Listener): void {
    const known = this.listeners.get(name) ?? new Set();
    this.listeners.set(name, known.add(listener));
  }
  off(name?: string | null, listener?: Listener | null): void {
    if (name && listener) this.listeners.get(name)?.delete(listener);
  }
  send(content: Record<string, unknown>): void {
    this.sent.push(content);
  }
  emit(name: string, ...args: unknown[]): void {
    for (const listener of this.listeners.get(name) ?? []) listener(...(args as never[]));
  }
  /** A message from Python. */
  receive(content: Record<string, unknown>, buffers: DataView[] = []): void {
    this.emit("msg:custom", { v: 1, ...content }, buffers);
  }
  get listening(): number {
    return [...this.listeners.values()].reduce((sum, set) => sum + set.size, 0);
  }
}
