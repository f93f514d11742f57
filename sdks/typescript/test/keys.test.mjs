// A key's form: checked here, before anything is sent.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import { AuthenticationError, isWellFormedKey, Tenlyr } from "../dist/esm/index.js";
import { ADMIN, TENANT } from "./support/keys.mjs";
import { shared } from "./support/replay.mjs";

const { wellFormed, malformed } = shared("keys.json");
const sent = () => assert.fail("something was sent");

describe("a key's form", () => {
  for (const key of [...wellFormed, ADMIN, TENANT]) {
    it(`is right: ${key}`, () => assert.equal(isWellFormedKey(key), true));
  }
  for (const { key, reason } of malformed) {
    it(`is wrong: ${reason}`, async () => {
      assert.equal(isWellFormedKey(key), false);
      await refused(new Tenlyr({ apiKey: key, fetchFn: sent }).tenants.list(), key);
    });
  }
  it("is wrong for what is no text", () => {
    for (const one of [undefined, null, 7, {}, [ADMIN]]) assert.equal(isWellFormedKey(one), false);
  });
});

describe("a call with a malformed key", () => {
  it("is refused without a client's key", async () => {
    await refused(new Tenlyr({ apiKey: undefined, fetchFn: sent }).tenants.list());
  });
  it("is refused by the tenant's key", async () => {
    const client = new Tenlyr({ apiKey: ADMIN, fetchFn: sent });
    await refused(client.usage.metrics("tenlyr_live_nonsense"), "tenlyr_live_nonsense");
    await refused(client.usage.track({ tenantKey: "", metric: "api_call", value: 1 }));
    await refused(client.alerts.list("tenlyr_live_nonsense"), "tenlyr_live_nonsense");
  });
});

it("a printed client shows no key", () => {
  const client = new Tenlyr({ apiKey: ADMIN });
  const shown = inspect(client, { depth: 9, showHidden: true }) + JSON.stringify(client);
  assert.equal(shown.includes(ADMIN), false);
});

async function refused(call, key = "") {
  const error = await call.then(() => null, (reason) => reason);
  assert.ok(error instanceof AuthenticationError, String(error));
  assert.deepEqual([error.statusCode, error.code], [401, "invalid_key"]);
  if (key !== "") assert.equal(error.message.includes(key), false);
}
