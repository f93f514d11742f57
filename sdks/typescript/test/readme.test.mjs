// The README's examples run, one after the other, against a server that answers like Tenlyr.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createServer } from "node:http";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { join } from "node:path";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { ADMIN, TENANT } from "./support/keys.mjs";
import ts from "typescript";

const HOME = fileURLToPath(new URL("..", import.meta.url));
const MOVED = { id: "0198", status: "completed", toLevel: "dedicated_schema" };
const ACME = { id: "0197", name: "Acme Corp", createdAt: "2026-11-21T00:00:00Z" };
let created = 0;
let counted = 0;

const ANSWERS = {
  "POST /api/v1/tenants": () =>
    created++ === 0 ? [201, { tenant: ACME, apiKey: TENANT }] : [409, { code: "email_taken" }],
  "GET /api/v1/tenants": () => [200, { data: [ACME], nextCursor: null }],
  "POST /api/v1/usage/track": () => [201, {}],
  "GET /api/v1/usage/metrics": () => [200, { apiCalls: 1 }],
  "POST /api/v1/isolation/migrate": () => [201, MOVED],
  "GET /api/v1/isolation/migrations/0198": () => [200, MOVED],
  "POST /api/v1/usage/track/batch": (events) => {
    counted += events.length;
    return [200, { results: events.map((_, index) => ({ index, status: 201 })) }];
  },
};

it("every example compiles and runs", async () => {
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    const path = request.url.split("?")[0];
    const given = body === "" ? null : JSON.parse(body);
    const [status, json] = ANSWERS[`${request.method} ${path}`](given);
    response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(json));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    assert.deepEqual(await printed(`http://127.0.0.1:${server.address().port}`), [
      "Acme Corp made 1 calls this month",
      "Acme Corp",
      "dedicated_schema",
      "there since 2026-11-21T00:00:00Z",
    ]);
    assert.equal(counted, 1_000);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

// The examples as one module within the package, so that the package's own name leads to it.
async function printed(url) {
  const folder = mkdtempSync(join(HOME, "test", ".readme-"));
  const file = join(folder, "examples.ts");
  try {
    const setting = `${JSON.stringify(ADMIN)}, baseUrl: ${JSON.stringify(url)}`;
    writeFileSync(file, examples().replaceAll("process.env.TENLYR_ADMIN_KEY", setting));
    compiled(file);
    const { stdout } = await promisify(execFile)(process.execPath, [join(folder, "examples.js")]);
    return stdout.trim().split("\n");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function examples() {
  const text = readFileSync(join(HOME, "README.md"), "utf8");
  const blocks = [...text.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map((block) => block[1]);
  assert.ok(blocks.length >= 7);
  return blocks.join("\n");
}

function compiled(file) {
  const program = ts.createProgram([file], {
    strict: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    types: ["node"],
  });
  const { diagnostics } = program.emit();
  const wrong = [...ts.getPreEmitDiagnostics(program), ...diagnostics];
  const told = wrong.map((one) => ts.flattenDiagnosticMessageText(one.messageText, " "));
  assert.deepEqual(told, []);
}
