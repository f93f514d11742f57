// The buffered track: what it holds, what it drops, what it sends again, how it ends.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { Tenlyr } from "../dist/esm/index.js";
import { ADMIN, OTHER_TENANT, TENANT } from "./support/keys.mjs";

const HOUR_MS = 3_600_000;
const EVENT = { tenantKey: TENANT, metric: "api_call", value: 1 };

describe("a buffer", () => {
  it("sends a batch per tenant, without keys, each event with an id", async () => {
    const { buffer, store } = buffered();
    await buffer.track(EVENT);
    await buffer.track({ ...EVENT, id: "mine" });
    await buffer.track({ ...EVENT, tenantKey: OTHER_TENANT, metric: "seats", value: 3 });
    await buffer.flush();
    assert.deepEqual(store.batches.map((one) => [one.key, one.events.length]).sort(), [
      [OTHER_TENANT, 1],
      [TENANT, 2],
    ].sort());
    assert.ok(store.batches.every((one) => one.events.every((event) => event.id !== undefined)));
    assert.ok(store.batches.every((one) => one.events.every((event) => !("tenantKey" in event))));
    assert.ok(store.counted.has("mine"));
    assert.equal(buffer.pending, 0);
    await buffer.close();
  });

  it("sends by itself when it has enough", { timeout: 60_000 }, async () => {
    const { buffer, store } = buffered({ flushEvents: 10 });
    for (let event = 0; event < 25; event += 1) await buffer.track(EVENT);
    await until(() => store.counted.size >= 20);
    await buffer.close();
    assert.equal(store.counted.size, 25);
    assert.ok(store.batches.every((one) => one.events.length <= 10));
  });

  it("sends by itself after its interval", { timeout: 60_000 }, async () => {
    const { buffer, store } = buffered({ flushIntervalMs: 5 });
    await buffer.track(EVENT);
    await until(() => store.counted.size === 1);
    await buffer.close();
  });

  it("never holds more than it may; who waits for room gets it", async () => {
    const { buffer, store } = buffered({ maxEvents: 20, flushEvents: 7 });
    let most = 0;
    store.onBatch = () => void (most = Math.max(most, buffer.pending));
    const all = Array.from({ length: 200 }, () => buffer.track(EVENT));
    assert.equal(buffer.pending, 20);
    await Promise.all(all);
    await buffer.close();
    assert.equal(store.counted.size, 200);
    assert.equal(most, 20);
  });

  it("refuses what cannot be sent at once, and counts the rest", async () => {
    const { buffer, store } = buffered();
    await buffer.track(EVENT);
    await assert.rejects(buffer.track({ ...EVENT, value: 1n }), TypeError);
    await buffer.track(EVENT);
    await buffer.close();
    assert.equal(store.counted.size, 2);
    assert.equal(store.batches.length, 1);
  });

  it("drops and tells what it has no room for, where that is wanted", async () => {
    const dropped = [];
    const onDrop = (event) => dropped.push(event.id);
    const { buffer, store } = buffered({ maxEvents: 3, whenFull: "drop", onDrop });
    store.hold();
    const taken = [];
    for (const id of ["a", "b", "c", "d", "e"]) taken.push(await buffer.track({ ...EVENT, id }));
    store.release();
    await buffer.close();
    assert.deepEqual(taken, ["a", "b", "c", null, null]);
    assert.deepEqual(dropped, ["d", "e"]);
    assert.deepEqual([...store.counted].sort(), ["a", "b", "c"]);
  });

  it("refuses a malformed key at once, and anything once it is closed", async () => {
    const { buffer } = buffered();
    const odd = { ...EVENT, tenantKey: "nonsense" };
    await assert.rejects(buffer.track(odd), { code: "invalid_key" });
    await buffer.close();
    await assert.rejects(buffer.track(EVENT), { code: "buffer_closed" });
    await buffer.close();
  });
});

describe("an event's time", () => {
  const MONTHS_END = "2026-10-31T23:59:59.987Z";

  it("is when it was taken, however late and often it is sent", async (context) => {
    context.mock.timers.enable({ apis: ["Date"], now: Date.parse(MONTHS_END) });
    const { buffer, store } = buffered();
    const given = "2026-10-01T10:00:00+02:00";
    await buffer.track({ ...EVENT, id: "taken" });
    await buffer.track({ ...EVENT, id: "null", timestamp: null });
    await buffer.track({ ...EVENT, id: "given", timestamp: given });
    context.mock.timers.tick(24 * HOUR_MS);
    store.faults.push(503);
    await buffer.close();
    assert.equal(store.batches.length, 2);
    for (const { events } of store.batches) {
      assert.deepEqual(events.map((event) => [event.id, event.timestamp]), [
        ["taken", MONTHS_END],
        ["null", MONTHS_END],
        ["given", given],
      ]);
    }
  });

  it("is left to the server that does not accept it, unless it is the caller's", async (context) => {
    context.mock.timers.enable({ apis: ["Date"], now: 0 });
    const lost = [];
    const onError = ({ id, timestamp }, { statusCode }) => lost.push([id, timestamp, statusCode]);
    const { buffer, store } = buffered({ onError });
    const refusal = { status: 422, code: "invalid_request", message: "timestamp: No." };
    for (const id of ["taken", "given"]) store.refusals.set(id, [refusal]);
    store.refusals.set("wrong", [refusal, refusal]);
    const given = "1999-01-01T00:00:00Z";
    await buffer.track({ ...EVENT, id: "taken" });
    await buffer.track({ ...EVENT, id: "given", timestamp: given });
    await buffer.track({ ...EVENT, id: "wrong" });
    await buffer.flush();
    const taken = "1970-01-01T00:00:00.000Z";
    const sent = store.batches.map(({ events }) => events.map(({ id, timestamp }) => [id, timestamp]));
    assert.deepEqual(sent, [
      [["taken", taken], ["given", given], ["wrong", taken]],
      [["taken", undefined], ["wrong", undefined]],
    ]);
    assert.deepEqual([...store.counted], ["taken"]);
    assert.deepEqual(lost, [["given", given, 422], ["wrong", taken, 422]]);
    assert.equal(buffer.pending, 0);
    await buffer.close();
  });

  it("stays with the server when that resend has to be repeated", async () => {
    const { buffer, store } = buffered({ flushIntervalMs: 1 });
    store.refusals.set("a", [
      { status: 422, code: "invalid_request", message: "timestamp: No." },
      { status: 503, code: "unavailable", message: "Later." },
    ]);
    await buffer.track({ ...EVENT, id: "a" });
    await buffer.close();
    const times = store.batches.map(({ events }) => events[0].timestamp !== undefined);
    assert.deepEqual(times, [true, false, false]);
    assert.deepEqual([...store.counted], ["a"]);
  });
});

describe("what could not be sent", () => {
  const passing = [500, 429, 408, 409, 425, 302, "a proxy's page"];
  for (const fault of ["time-out after it was counted", "reset after it was counted", ...passing]) {
    it(`is sent again with the same ids: ${fault}`, async () => {
      const { buffer, store } = buffered({ flushIntervalMs: 1 });
      store.faults.push(fault, fault, fault);
      for (let event = 0; event < 30; event += 1) await buffer.track(EVENT);
      await buffer.close();
      assert.equal(store.counted.size, 30);
      assert.ok(store.batches.length >= 4, String(store.batches.length));
      const ids = store.batches.map((one) => one.events.map((event) => event.id).join());
      assert.equal(new Set(ids).size, 1);
    });
  }

  it("of a batch is only what the server could not decide", async () => {
    const lost = [];
    const onError = (event, error) => lost.push([event.id, error.name, error.statusCode]);
    const { buffer, store } = buffered({ flushIntervalMs: 1, onError });
    store.refusals.set("over", [{ status: 400, code: "plan_limit_exceeded", message: "Enough." }]);
    const odd = { status: 422, code: "invalid_request", message: "Odd." };
    store.refusals.set("odd", [odd, odd]);
    store.refusals.set("late", [{ status: 503, code: "unavailable", message: "Later." }]);
    for (const id of ["fine", "over", "odd", "late"]) await buffer.track({ ...EVENT, id });
    await buffer.close();
    assert.deepEqual(lost, [
      ["over", "PlanLimitExceededError", 400],
      ["odd", "InvalidRequestError", 422],
    ]);
    assert.deepEqual(store.batches.map((one) => one.events.map((event) => event.id)), [
      ["fine", "over", "odd", "late"],
      ["odd"],
      ["late"],
    ]);
    assert.deepEqual([...store.counted], ["fine", "late"]);
  });

  it("for good is told with its event", async () => {
    const lost = [];
    const onError = (event, error) => lost.push([error.name, event]);
    const { buffer, store } = buffered({ onError });
    store.faults.push(401);
    const event = { ...EVENT, id: "a", timestamp: "2026-11-21T10:00:00Z" };
    await buffer.track(event);
    await buffer.flush();
    assert.deepEqual(lost, [["AuthenticationError", event]]);
    assert.equal(buffer.pending, 0);
    await buffer.close();
  });

  for (const status of [400, 413, 422]) {
    it(`as a whole goes in parts, until one event is to blame: ${status}`, async () => {
      const lost = [];
      const onError = (event, error) => lost.push([event.id, error.statusCode]);
      const { buffer, store } = buffered({ onError });
      const isBad = (events) => events.length > 4 || events.some(({ id }) => id === "7");
      store.refuseWhole = (events) => (isBad(events) ? status : null);
      const ids = Array.from({ length: 20 }, (_, at) => String(at));
      for (const id of ids) await buffer.track({ ...EVENT, id });
      await buffer.close();
      assert.deepEqual(lost, [["7", status]]);
      assert.deepEqual([...store.counted], ids.filter((id) => id !== "7"));
    });
  }

  it("of a part stays in its order", async () => {
    const { buffer, store } = buffered({ flushIntervalMs: 1 });
    store.faults.push(413, 503);
    for (const id of ["a", "b", "c", "d"]) await buffer.track({ ...EVENT, id });
    await buffer.close();
    assert.deepEqual([...store.counted], ["a", "b", "c", "d"]);
    assert.deepEqual(store.batches.map(({ events }) => events.length), [4, 2, 4]);
  });

  it("does not hold up other tenants", async () => {
    const { buffer, store } = buffered({ onError: () => {} });
    store.downFor = TENANT;
    await buffer.track(EVENT);
    await buffer.track({ ...EVENT, tenantKey: OTHER_TENANT, id: "other" });
    await buffer.flush();
    assert.deepEqual([...store.counted], ["other"]);
    assert.equal(buffer.pending, 1);
    store.downFor = null;
    await buffer.close();
    assert.equal(store.counted.size, 2);
  });
});

describe("closing", () => {
  it("gives up after half a minute and tells", { timeout: 60_000 }, async (context) => {
    context.mock.timers.enable({ apis: ["setTimeout"] });
    const lost = [];
    const onError = (event, error) => lost.push([error.name, event.id]);
    const never = () => new Promise(() => {});
    const { buffer, store } = buffered({ onError, maxEvents: 1 }, { sleep: never });
    store.downFor = TENANT;
    await buffer.track({ ...EVENT, id: "a" });
    const waits = buffer.track({ ...EVENT, id: "b" });
    const refused = assert.rejects(waits, { name: "TenlyrNetworkError" });
    const closing = buffer.close();
    while (store.batches.length === 0) await nextTurn();
    for (let turn = 0; turn < 20; turn += 1) await nextTurn();
    context.mock.timers.tick(30_000);
    await closing;
    await refused;
    await nextTurn();
    assert.deepEqual(lost, [["TenlyrNetworkError", "a"]]);
  });

  it("is what the end of the process does", () => {
    const script = fileURLToPath(new URL("support/leaves_events.mjs", import.meta.url));
    const printed = execFileSync(process.execPath, [script], { encoding: "utf8", timeout: 60_000 });
    assert.equal(printed.trim(), "counted 3");
  });
});

it("sends 20000 events of 3 tenants once, over a line that breaks all the time", async () => {
  const { buffer, store } = buffered({ flushIntervalMs: 1, maxEvents: 1_000, flushEvents: 100 });
  const keys = [TENANT, OTHER_TENANT, ADMIN];
  for (let at = 0; at < 200; at += 2) store.faults.push("reset after it was counted", null);
  for (let at = 0; at < 20_000; at += 1) await buffer.track({ ...EVENT, tenantKey: keys[at % 3] });
  await buffer.close();
  assert.equal(store.counted.size, 20_000);
});

// A server's memory: counts each id once, whatever came of the answer.
class Store {
  batches = [];
  counted = new Set();
  faults = [];
  refusals = new Map();
  downFor = null;
  refuseWhole = () => null;
  onBatch = () => {};
  #held = Promise.resolve();
  #release = () => {};

  hold() {
    this.#held = new Promise((wake) => (this.#release = wake));
  }

  release() {
    this.#release();
  }

  async fetch(_url, init) {
    const key = init.headers.Authorization.slice("Bearer ".length);
    const events = JSON.parse(init.body);
    this.batches.push({ key, events });
    this.onBatch();
    await this.#held;
    if (this.downFor === key) throw new TypeError("fetch failed");
    const fault = this.refuseWhole(events) ?? this.faults.shift() ?? null;
    if (fault === "a proxy's page") return new Response("<html>welcome</html>");
    if (typeof fault === "number") return new Response("{}", { status: fault });
    const results = events.map((event, index) => this.#count(event, index));
    if (fault === "time-out after it was counted") return hanging(init.signal);
    if (fault !== null) throw new TypeError("fetch failed");
    return Response.json({ results });
  }

  #count(event, index) {
    const refusal = this.refusals.get(event.id)?.shift();
    if (refusal !== undefined) return { index, ...refusal };
    this.counted.add(event.id);
    return { index, status: 201, id: event.id };
  }
}

function hanging(signal) {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
  });
}

function buffered(options = {}, more = {}) {
  const store = new Store();
  const client = new Tenlyr({
    apiKey: ADMIN,
    fetchFn: (url, init) => store.fetch(url, init),
    retries: 0,
    // Only a batch that hangs ends by it, and one more of those changes nothing.
    timeout: 100,
    sleep: async () => nextTurn(),
    ...more,
  });
  return { buffer: client.usage.buffer({ flushIntervalMs: HOUR_MS, ...options }), store };
}

async function until(holds) {
  while (!holds()) await nextTurn();
}

function nextTurn() {
  return new Promise((wake) => setImmediate(wake));
}
