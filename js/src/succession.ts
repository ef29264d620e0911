// The fourth bundle: the succession lab. It takes from the first what it shares, as tools.ts does.

import type { Mount } from "./views";
import { mountSuccession } from "./views/succession";

export const views: Record<string, Mount> = { succession: mountSuccession };
