// Renders formulas: a line of JSON in, {"tex", "display"}; a line of JSON out, {"html"} or {"error"}.
import { createInterface } from "node:readline";
import katex from "katex";

function trust({ command }) {
  throw new katex.ParseError(`${command} is not trusted`);
}

for await (const line of createInterface({ input: process.stdin })) {
  const { tex, display } = JSON.parse(line);
  const answer = {};
  try {
    answer.html = katex.renderToString(tex, { displayMode: display, strict: true, trust });
  } catch (error) {
    answer.error = error.message;
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
