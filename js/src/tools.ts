// The second bundle: the views that a session needs once there is more than attention.

import type { Tools } from "./views";
import { mountExplore } from "./views/explore";
import { mountGrid } from "./views/grid";
import { mountPanel } from "./views/panel";

export const tools: Tools["tools"] = (core) => {
  const parts = { ...core, grid: mountGrid, panel: mountPanel };
  return { ...parts, explore: mountExplore(parts) };
};
