// Bundles each entry into one ES module that a widget ships as its `_esm`.
// `node build.mjs [folder]`; default: ../headwidgets/static.
// tools.js, taxonomy.js, succession.js and emergence.js go on where session.js ends: what src/core.ts names they
// take from there.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build, transform } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const outdir = process.argv[2] ?? join(here, "..", "headwidgets", "static");

/** Minify the style sheets, which to JavaScript are only text: every css`...`. */
const styles = {
  name: "styles",
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/, namespace: "file" }, async ({ path }) => {
      const parts = (await readFile(path, "utf8")).split(/\bcss`([^`]*)`/);
      for (let i = 1; i < parts.length; i += 2) parts[i] = await smaller(parts[i], path);
      return { contents: parts.join(""), loader: "ts" };
    });
  },
};

/** A style sheet as a template; what it interpolates stays where it was. */
async function smaller(css, path) {
  const inserted = [];
  const text = css.replace(/\$\{[^}]*\}/g, (code) => `hw-slot-${inserted.push(code) - 1}-`);
  const { code, warnings } = await transform(text, {
    ...{ loader: "css", minify: true, charset: "utf8", logLevel: "silent" },
  });
  const slots = code.match(/hw-slot-\d+-/g) ?? [];
  const lost = slots.length === inserted.length ? [] : ["what it interpolates is lost"];
  const wrong = [...warnings.map((warning) => warning.text), ...lost];
  if (wrong.length) throw new Error(`the style sheet in ${path}: ${wrong.join("; ")}`);
  const safe = code.trim().replace(/[\\`]|\$\{/g, "\\$&");
  return `\`${safe.replace(/hw-slot-(\d+)-/g, (_, at) => inserted[at])}\``;
}

/** What src/core.ts gives: the names, by the module that they are from. */
async function given() {
  const text = await readFile(join(here, "src", "core.ts"), "utf8");
  const lines = text.matchAll(/export \{([^}]*)\} from "([^"]*)"/g);
  return new Map(
    Array.from(lines, ([, names, from]) => [join(here, "src", `${from}.ts`), names.match(NAME)]),
  );
}
const NAME = /\w+( as \w+)?/g;

/** Instead of a module that `held` has, what core.ts gives of it; what it does not, is an error. */
const taken = (held, gives) => ({
  name: "taken",
  setup(build) {
    build.onResolve({ filter: /^\./ }, async ({ path, pluginData, ...from }) => {
      if (pluginData === taken) return;
      const found = await build.resolve(path, { ...from, pluginData: taken });
      return held.has(found.path) ? { path: found.path, namespace: "core" } : found;
    });
    build.onLoad({ filter: /.*/, namespace: "core" }, ({ path }) => {
      const names = (gives.get(path) ?? []).map((name) => name.split(" as "));
      const taking = names.map(([mine, theirs = mine]) => `${theirs}: ${mine}`);
      const giving = names.map(([mine]) => mine);
      return { contents: `const { ${taking} } = core; export { ${giving} };` };
    });
  },
});

/** Build one entry; returns its code, and the modules that are in it. */
async function bundle(name, ...plugins) {
  const { outputFiles, metafile } = await build({
    ...{ absWorkingDir: here, entryPoints: [`src/${name}.ts`], outdir, write: false },
    ...{ bundle: true, format: "esm", target: "es2022", metafile: true },
    ...{ minify: true, charset: "utf8", legalComments: "none", plugins: [styles, ...plugins] },
  });
  const modules = Object.keys(metafile.inputs).map((path) => join(here, path));
  return { code: outputFiles[0].text, modules: new Set(modules) };
}

/** Further views, as a function of what they take from the session's bundle. */
async function further(name, held) {
  const { code } = await bundle(name, taken(held, await given()));
  const whole = code.replace(/export\{([\w$]+) as views\};\s*$/, "return $1");
  if (whole === code) throw new Error(`${name}.ts is expected to export \`views\`, and that alone`);
  return `export const views=core=>{${whole}};\n`;
}

const { code: session, modules } = await bundle("session");
const made = {
  session,
  tools: await further("tools", modules),
  taxonomy: await further("taxonomy", modules),
  succession: await further("succession", modules),
  emergence: await further("emergence", modules),
  view: (await bundle("view")).code,
  page: (await bundle("page")).code,
};
await mkdir(outdir, { recursive: true });
for (const [name, code] of Object.entries(made)) {
  await writeFile(join(outdir, `${name}.js`), code);
  console.log(`${name}.js ${(Buffer.byteLength(code) / 1000).toFixed(1)} kB`);
}
