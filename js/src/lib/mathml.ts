// Formulas as MathML: read as XML and built anew from the elements and attributes that a
// formula needs, so that nothing else can come in with them.

const TAGS = new Set(
  "math mrow mi mn mo mtext mspace mfrac msqrt mroot msub msup msubsup munder mover munderover".split(
    " ",
  ),
);
const ATTRIBUTES = ["display", "stretchy", "fence", "form", "accent", "mathvariant", "width"];

/** The formula as an element; null where it cannot be read. */
export function mathml(text: string): Element | null {
  if (!text) return null;
  const read = new DOMParser().parseFromString(text, "application/xml").documentElement;
  return read?.localName === "math" ? copy(read) : null;
}

function copy(from: Element): Element {
  const made = document.createElementNS(from.namespaceURI, from.localName);
  for (const name of ATTRIBUTES) {
    const value = from.getAttribute(name);
    if (value !== null) made.setAttribute(name, value);
  }
  for (const child of from.childNodes) {
    if (child.nodeType === 3) made.append(child.textContent ?? "");
    else if (TAGS.has((child as Element).localName)) made.append(copy(child as Element));
  }
  return made;
}
