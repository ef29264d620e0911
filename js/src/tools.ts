// The second bundle: the views that a session needs once there is more than attention. What it
// shares with the first comes from there (core.ts): built, `views` is a function of that.

import { type Mount, mount } from "./views";
import { mountAttention } from "./views/attention";
import { mountExplore } from "./views/explore";
import { mountGrid } from "./views/grid";
import { mountPanel } from "./views/panel";

const parts: Record<string, Mount> = {
  grid: mountGrid,
  attention: mountAttention,
  panel: mountPanel,
};
/** From bundles of their own, which are there once their tabs are opened. */
const taxonomy: Mount = (...where) => mount("taxonomy", ...where);
const succession: Mount = (...where) => mount("succession", ...where);

export const views: Record<string, Mount> = {
  ...parts,
  explore: mountExplore({ ...parts, taxonomy, succession }),
};
