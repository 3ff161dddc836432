// Minifies scripts: {"name": "source"} as JSON in, the same with short sources out.
import { text } from "node:stream/consumers";
import { minify } from "terser";

const scripts = JSON.parse(await text(process.stdin));
for (const [name, source] of Object.entries(scripts)) {
  const module = name.endsWith(".mjs") || /^(import|export) /m.test(source);
  scripts[name] = (await minify(source, { module })).code;
}
process.stdout.write(JSON.stringify(scripts));
