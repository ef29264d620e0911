// Drawing only what has other inputs than the last time.

/** Wrap what draws, so that nothing happens while all of its inputs are the same objects. */
export function unlessSame<A extends unknown[]>(draw: (...inputs: A) => void) {
  let before: A | undefined;
  return (...inputs: A): void => {
    const same = before?.length === inputs.length;
    if (same && inputs.every((one, i) => Object.is(one, before?.[i]))) return;
    before = inputs;
    draw(...inputs);
  };
}

/** Set a node's text, if it says something else. */
export function say(node: HTMLElement, words: string): void {
  if (node.textContent !== words) node.textContent = words;
}
