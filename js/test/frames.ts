// Frames that come at once: what waits for the next one is drawn when it is asked for.

import { vi } from "vitest";

export function framesAtOnce(): void {
  vi.stubGlobal("requestAnimationFrame", (draw: FrameRequestCallback) => {
    draw(0);
    return 0;
  });
}
