// Webhooks: the shared vectors, and every way in which headers and bodies come.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { Tenlyr, verifyWebhook, WebhookVerificationError } from "../dist/esm/index.js";
import { ADMIN } from "./support/keys.mjs";
import { shared } from "./support/replay.mjs";

const VECTORS = shared("signatures.json");
const client = new Tenlyr({ apiKey: ADMIN });

for (const { name, payload, headers, secret, now, toleranceS, ...wanted } of VECTORS) {
  it(name, async () => {
    const bytes = new TextEncoder().encode(payload);
    const verified = client.webhooks.verify(bytes, headers, secret, { now, toleranceS });
    if (wanted.valid) return assert.deepEqual(await verified, JSON.parse(payload));
    const { reason } = wanted;
    return assert.rejects(verified, { name: "WebhookVerificationError", reason });
  });
}

describe("a genuine webhook", () => {
  const { payload, headers, secret, now } = VECTORS.find((one) => one.valid);
  const value = Object.values(headers)[0];

  it("is taken with the header's value alone", async () => {
    const event = await client.webhooks.verify(payload, value, secret, { now });
    assert.equal(event.type, JSON.parse(payload).type);
  });
  it("is taken with fetch's headers and with Node's", async () => {
    await verifyWebhook(payload, new Headers(headers), secret, { now });
    await verifyWebhook(Buffer.from(payload), { ...headers, cookie: ["a", "b"] }, secret, { now });
  });
  it("is refused when it is judged by today's clock", async () => {
    const long = { now: now + 1_000_000 };
    await assert.rejects(verifyWebhook(payload, value, secret, long), WebhookVerificationError);
  });
});

it("works without a global crypto, as in Node 18", () => {
  const { payload, headers, secret, now } = VECTORS.find((one) => one.valid);
  const script = fileURLToPath(new URL("support/without_crypto.mjs", import.meta.url));
  const given = JSON.stringify([ADMIN, payload, headers, secret, now]);
  const printed = execFileSync(process.execPath, [script, given], { encoding: "utf8" });
  const [id, type] = JSON.parse(printed);
  assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(type, JSON.parse(payload).type);
});
