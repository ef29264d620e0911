// The second bundle: the views that a session needs once there is more than attention. What it
// shares with the first comes from there (core.ts): built, `tools` is a function of that.

import type { Mount } from "./views";
import { mountAttention } from "./views/attention";
import { mountExplore } from "./views/explore";
import { mountGrid } from "./views/grid";
import { mountPanel } from "./views/panel";
import { mountTaxonomy } from "./views/taxonomy";

const parts: Record<string, Mount> = {
  grid: mountGrid,
  attention: mountAttention,
  panel: mountPanel,
  taxonomy: mountTaxonomy,
};

export const tools: Record<string, Mount> = { ...parts, explore: mountExplore(parts) };
