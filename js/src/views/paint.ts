// The colours of the theme as a canvas needs them, and canvases at the screen's resolution.

import { packed } from "../lib/heatmap";
import { type Colour, diverging, viridis } from "../lib/lut";

export interface Paint {
  ink: string;
  quiet: string;
  soft: string;
  line: string;
  surface: string;
  accent: string;
  pick: string;
  /** Of what was published. */
  cite: string;
  font: string;
  table(signed: boolean): Uint8Array;
  /** The same colours as whole pixels. */
  inks(signed: boolean): Uint32Array;
  /** Give a canvas its size; returns a clean context in CSS pixels, if there is one. */
  size(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D | null;
  /** A picture of square RGBA pixels, to be drawn at any size. */
  picture(pixels: Uint8ClampedArray<ArrayBuffer>, edge: number): HTMLCanvasElement | null;
}

/** Read the theme from the root's own style. */
export function paintOf(root: HTMLElement): Paint {
  const style = getComputedStyle(root);
  const read = (name: string, or: string) => style.getPropertyValue(name).trim() || or;
  const surface = read("--hw-bg", "#fff");
  const rgb = (style.backgroundColor.match(/[\d.]+/g) ?? []).map(Number);
  const [r = 255, g = 255, b = 255] = rgb;
  const signedTable = diverging([r, g, b] as Colour);
  const [inks, signedInks] = [packed(viridis), packed(signedTable)];
  return {
    ink: read("--hw-fg", "#1b1b1b"),
    quiet: read("--hw-quiet", "#5a5f68"),
    soft: read("--hw-soft", "#f3f4f6"),
    line: read("--hw-line", "#ddd"),
    accent: read("--hw-accent", "#0b6bcb"),
    pick: read("--hw-pick", "#d55e00"),
    cite: read("--hw-cite", "#cc79a7"),
    font: read("--hw-mono", "monospace"),
    surface,
    table: (signed) => (signed ? signedTable : viridis),
    inks: (signed) => (signed ? signedInks : inks),
    size(canvas, width, height) {
      const ratio = root.ownerDocument.defaultView?.devicePixelRatio || 1;
      const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
      if (canvas.width !== wide || canvas.height !== high) {
        Object.assign(canvas, { width: wide, height: high }); // costs a layout of the page
        Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
      }
      const context = canvas.getContext("2d");
      context?.reset();
      context?.scale(ratio, ratio);
      return context;
    },
    picture(pixels, edge) {
      const canvas = root.ownerDocument.createElement("canvas");
      canvas.width = canvas.height = edge;
      const context = edge > 0 ? canvas.getContext("2d") : null;
      context?.putImageData(new ImageData(pixels, edge, edge), 0, 0);
      return context ? canvas : null;
    },
  };
}

/** Call back when the theme may have changed, or the root its width, until the signal aborts. */
export function onLooks(root: HTMLElement, draw: () => void, signal: AbortSignal): void {
  const page = root.ownerDocument;
  const attributes = ["data-jp-theme-light", "data-jp-theme-name", "data-theme", "class"];
  const themes = new MutationObserver(draw);
  for (const node of [page.documentElement, page.body]) {
    themes.observe(node, { attributes: true, attributeFilter: attributes });
  }
  const system = page.defaultView?.matchMedia?.("(prefers-color-scheme: dark)");
  system?.addEventListener("change", draw, { signal });
  const sizes = new ResizeObserver(draw);
  sizes.observe(root);
  const end = () => {
    themes.disconnect();
    sizes.disconnect();
  };
  signal.addEventListener("abort", end, { once: true });
}
