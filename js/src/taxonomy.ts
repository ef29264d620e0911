// The third bundle: the kinds of head. It takes from the first what it shares, as tools.ts does.

import type { Mount } from "./views";
import { mountTaxonomy } from "./views/taxonomy";

export const views: Record<string, Mount> = { taxonomy: mountTaxonomy };
