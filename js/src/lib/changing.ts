// Doing again only what has changed.

/** Compute again only for other arguments. */
export function once<A extends unknown[], R>(make: (...args: A) => R): (...args: A) => R {
  let last: { args: A; made: R } | undefined;
  return (...args) => {
    if (!last || args.some((arg, i) => arg !== last?.args[i])) last = { args, made: make(...args) };
    return last.made;
  };
}

/** Says of the things that a picture shows whether any is another than the last time. */
export function changing(): (now: unknown[]) => boolean {
  let last: unknown[] = [];
  return (now) => {
    const is = now.some((value, i) => value !== last[i]);
    last = now;
    return is;
  };
}
