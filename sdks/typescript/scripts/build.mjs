// Compiles src twice: dist/esm for `import`, dist/cjs for `require`, types in both.
import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");

rmSync(join(root, "dist"), { recursive: true, force: true });
for (const [format, type] of [["esm", "module"], ["cjs", "commonjs"]]) {
  const config = join(root, `tsconfig.${format}.json`);
  execFileSync(process.execPath, [tsc, "-p", config], { stdio: "inherit" });
  // What a .js file is, Node reads from the nearest package.json.
  writeFileSync(join(root, "dist", format, "package.json"), `{"type": "${type}"}\n`);
}
