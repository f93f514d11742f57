// What `npm pack` makes: installed into an empty project, imported, required and compiled.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const HOME = fileURLToPath(new URL("..", import.meta.url));
const TSC = createRequire(import.meta.url).resolve("typescript/bin/tsc");
const LARGEST_BYTES = 200_000;
const SHOW = `
  const { Tenlyr, ConflictError, TenlyrError } = sdk;
  const made = new Tenlyr({ apiKey: "" });
  const kind = new ConflictError("") instanceof TenlyrError;
  console.log([typeof made.tenants.create, kind].join());
`;

let project;
let packed;

before(() => {
  project = mkdtempSync(join(tmpdir(), "tenlyr-sdk-"));
  // The build is there already; made again, it would vanish under the tests beside this one.
  const told = npm(HOME, "pack", "--ignore-scripts", "--json", "--pack-destination", project);
  packed = JSON.parse(told)[0];
  writeFileSync(join(project, "package.json"), '{"name": "empty", "private": true}');
  npm(project, "install", "--offline", "--no-audit", "--no-fund", join(project, packed.filename));
});

after(() => rmSync(project, { recursive: true, force: true }));

describe("the packed package", () => {
  it("holds what is compiled, and little more", () => {
    const others = packed.files.map((one) => one.path).filter((path) => !path.startsWith("dist/"));
    assert.deepEqual(others.sort(), ["README.md", "package.json"]);
    assert.ok(statSync(join(project, packed.filename)).size < LARGEST_BYTES);
  });
  it("needs nothing else", () => {
    const { dependencies, sideEffects } = JSON.parse(readFileSync(join(HOME, "package.json")));
    assert.deepEqual([dependencies, sideEffects], [undefined, false]);
  });
  it("is imported", () => {
    assert.equal(run("esm.mjs", `import * as sdk from "@tenlyr/sdk"; ${SHOW}`), "function,true");
  });
  it("is required", () => {
    assert.equal(run("cjs.cjs", `const sdk = require("@tenlyr/sdk"); ${SHOW}`), "function,true");
  });
  it("has its subpaths both ways", () => {
    for (const name of ["middleware", "express", "fastify", "hono"]) {
      const show = "console.log(typeof sdk.getCurrentTenant)";
      const esm = `import * as sdk from "@tenlyr/sdk/${name}"; ${show}`;
      assert.equal(run("sub.mjs", esm), "function");
      const cjs = `const sdk = require("@tenlyr/sdk/${name}"); ${show}`;
      assert.equal(run("sub.cjs", cjs), "function");
    }
    const made = "console.log(typeof sdk.TenantDatabases)";
    assert.equal(run("pg.mjs", `import * as sdk from "@tenlyr/sdk/pg"; ${made}`), "function");
    assert.equal(run("pg.cjs", `const sdk = require("@tenlyr/sdk/pg"); ${made}`), "function");
  });
  it("names no module of Node's", () => {
    const main = packed.files.map((one) => one.path).filter((path) => path.endsWith(".js"));
    for (const path of main) {
      const text = readFileSync(join(HOME, path), "utf8");
      assert.doesNotMatch(text, /(from|require\(|import\()\s*"node:/, path);
    }
  });
  it("is compiled with --strict, both ways, without the types of Node or of a page", () => {
    for (const name of ["consumer.mts", "consumer.cts"]) {
      copyFileSync(join(HOME, "test/support/consumer.ts"), join(project, name));
    }
    const flags = "--noEmit --strict --target ES2022 --module nodenext --lib ES2022".split(" ");
    node(project, TSC, ...flags, "consumer.mts", "consumer.cts");
  });
  it("is compiled by projects that look for types in the older way", () => {
    copyFileSync(join(HOME, "test/support/consumer.ts"), join(project, "consumer.ts"));
    const older = "--module commonjs --moduleResolution node10 --lib ES2022 --target ES2020";
    node(project, TSC, "--noEmit", "--strict", ...older.split(" "), "consumer.ts");
  });
});

function run(name, script) {
  writeFileSync(join(project, name), script);
  return node(project, name).trim();
}

function node(cwd, ...args) {
  return execute(process.execPath, args, cwd);
}

function npm(cwd, ...args) {
  return execute("npm", args, cwd);
}

function execute(program, args, cwd) {
  try {
    return execFileSync(program, args, { cwd, encoding: "utf8", stdio: "pipe" });
  } catch (error) {
    throw new Error(`${program} ${args.join(" ")}\n${error.stdout}${error.stderr}`);
  }
}
