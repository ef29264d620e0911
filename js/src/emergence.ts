// The fifth bundle: the emergence lab. It takes from the first what it shares, as tools.ts does.

import type { Mount } from "./views";
import { mountEmergence } from "./views/emergence";

export const views: Record<string, Mount> = { emergence: mountEmergence };
