// Bundles each entry into one ES module that a widget ships as its `_esm`.
// `node build.mjs [folder]`; default: ../headwidgets/static.
import { statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const outdir = process.argv[2] ?? join(here, "..", "headwidgets", "static");
const entries = ["session", "tools", "view", "page"];

await build({
  absWorkingDir: here,
  entryPoints: entries.map((name) => `src/${name}.ts`),
  outdir,
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  charset: "utf8",
  legalComments: "none",
});

for (const name of entries) {
  const path = join(outdir, `${name}.js`);
  console.log(`${basename(path)} ${(statSync(path).size / 1000).toFixed(1)} kB`);
}
