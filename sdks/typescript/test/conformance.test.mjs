// Every case that the three clients share, replayed over a fake fetch.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { Tenlyr } from "../dist/esm/index.js";
import { ADMIN } from "./support/keys.mjs";
import { replay, shared } from "./support/replay.mjs";

const CASES = new URL("../../conformance/cases/", import.meta.url);

for (const file of readdirSync(CASES).filter((name) => name.endsWith(".json")).sort()) {
  describe(file, () => {
    for (const one of JSON.parse(readFileSync(new URL(file, CASES), "utf8"))) {
      it(one.name, () => replay(one));
    }
  });
}

describe("methods.json", () => {
  const client = new Tenlyr({ apiKey: ADMIN });
  for (const { method, page } of shared("methods.json")) {
    const [resource, name] = method.split(".");
    it(method, () => {
      assert.equal(typeof client[resource][name], "function");
      if (page !== null) assert.equal(typeof client[resource][`${name}All`], "function");
    });
  }
});
