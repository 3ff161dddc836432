import js from "@eslint/js";
import globals from "globals";

const scripts = ["lib/explorer/page.js", "tools/site/*.js"];

export default [
  { ignores: ["_build/", "node_modules/", ".venv/"] },
  js.configs.recommended,
  { rules: { eqeqeq: ["error", "always", { null: "ignore" }], "no-var": "error", "prefer-const": "error" } },
  { files: ["lib/**/*.js", "tools/**/*.js", "tests/**/*.js"], languageOptions: { globals: globals.browser } },
  { files: ["**/*.mjs"], languageOptions: { globals: globals.node } },
  { files: scripts, languageOptions: { sourceType: "script" } },
];
