// Tries, waits and errors against a real server that misbehaves.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { Tenlyr } from "../dist/esm/index.js";
import { ADMIN, TENANT } from "./support/keys.mjs";
import { FaultyServer } from "./support/faulty_server.mjs";

const OK = { status: 200, json: { total: 1 } };
const EVERY = [
  ["500", { status: 500 }, [200, 400, 800], "TenlyrError"],
  ["503", { status: 503 }, [200, 400, 800], "TenlyrError"],
  ["503 with Retry-After", later(503, "2"), [2000, 2000, 2000], "TenlyrError"],
  ["429", { status: 429 }, [200, 400, 800], "RateLimitError"],
  ["429 with Retry-After", later(429, "3"), [3000, 3000, 3000], "RateLimitError"],
  ["429 with Retry-After above a minute", later(429, "61"), [], "RateLimitError"],
  ["a reset", "reset", [200, 400, 800], "TenlyrNetworkError"],
  ["a truncated body", "truncated", [200, 400, 800], "TenlyrNetworkError"],
  ["a hang", "hang", [], "TenlyrTimeoutError"],
  ["501", { status: 501 }, [], "TenlyrNotImplementedError"],
  ["a redirect", { status: 302, headers: { Location: "/elsewhere" } }, [], "TenlyrError"],
];

let server;
before(async () => void (server = await FaultyServer.start()));
after(() => server.stop());

describe("a server that answers with nothing but", () => {
  for (const [name, act, waits, errorName] of EVERY) {
    it(`${name}: ${waits.length + 1} attempts, then ${errorName}`, async (context) => {
      const hangs = act === "hang";
      // One that is given up after 100 ms may not even have arrived on a busy machine, nor may it
      // arrive in a later test.
      const asked = hangs ? await FaultyServer.start() : server;
      if (hangs) context.after(() => asked.stop());
      asked.play(act);
      let begun = 0;
      const onRequest = () => void (begun += 1);
      const timeout = hangs ? 100 : 60_000;
      const { client, slept } = watched({ baseUrl: asked.url, timeout, onRequest });
      await assert.rejects(client.health.overview(), { name: errorName });
      assert.equal(begun, waits.length + 1);
      if (!hangs) assert.equal(asked.requests.length, begun);
      assert.deepEqual(slept, waits);
    });
  }
  for (const [name, act, waits] of EVERY.filter(([, , waits]) => waits.length > 0)) {
    it(`${name} at first: the next answer is taken`, async () => {
      server.play(act, OK);
      const { client, slept } = watched();
      assert.deepEqual(await client.health.overview(), { total: 1 });
      assert.deepEqual([server.requests.length, slept], [2, waits.slice(0, 1)]);
    });
  }
});

it("nobody listens: 4 attempts, then TenlyrNetworkError", async () => {
  const gone = await FaultyServer.start();
  const { url } = gone;
  await gone.stop();
  const { client, slept } = watched({ baseUrl: url });
  await assert.rejects(client.health.overview(), {
    name: "TenlyrNetworkError",
    statusCode: null,
    message: /ECONNREFUSED/,
  });
  assert.deepEqual(slept, [200, 400, 800]);
});

it("jitter stays between nothing and the whole wait", async () => {
  server.play({ status: 500 });
  for (let call = 0; call < 20; call += 1) {
    const { client, slept } = watched({ random: undefined });
    await assert.rejects(client.health.overview());
    slept.forEach((ms, at) => assert.ok(ms >= 0 && ms < [200, 400, 800][at], String(slept)));
  }
});

it("a Retry-After that is a date is waited for", async () => {
  const at = new Date(Date.now() + 20_000).toUTCString();
  server.play(later(429, at), OK);
  const { client, slept } = watched();
  await client.health.overview();
  assert.ok(slept[0] > 0 && slept[0] <= 20_000, String(slept));
});

describe("what a POST sends", () => {
  it("has one idempotency key for all its tries, another for another call", async () => {
    server.play({ status: 503 }, "reset", "truncated", OK);
    const { client } = watched();
    await client.tenants.suspend("0197", "unpaid");
    await client.tenants.suspend("0197", "unpaid");
    const keys = server.requests.map((one) => one.headers["idempotency-key"]);
    assert.equal(keys.length, 5);
    assert.equal(new Set(keys.slice(0, 4)).size, 1);
    assert.notEqual(keys[4], keys[0]);
  });
  it("has the caller's own key", async () => {
    server.play(OK);
    const { client } = watched();
    await client.tenants.terminate("0197", { idempotencyKey: "mine" });
    assert.equal(server.requests[0].headers["idempotency-key"], "mine");
  });
  it("is not sent with a key that no header can carry", async () => {
    server.play(OK);
    const { client } = watched();
    const params = { idempotencyKey: "a\nb" };
    await assert.rejects(client.tenants.terminate("0197", params), {
      code: "invalid_idempotency_key",
    });
    assert.equal(server.requests.length, 0);
  });
  it("of track has the event's id in both places, whatever the id", async () => {
    server.play({ status: 503 }, { status: 201, json: {} });
    const { client } = watched();
    const event = { tenantKey: TENANT, metric: "api_call", value: 1 };
    await client.usage.track(event);
    await client.usage.track({ ...event, id: "Rechnung 7 für März" });
    const sent = server.requests.map((one) => [one.headers["idempotency-key"], idOf(one)]);
    assert.equal(new Set(sent.slice(0, 2).flat()).size, 1);
    assert.equal(sent[2][1], "Rechnung 7 für März");
    assert.equal(server.requests[2].body.includes("tenantKey"), false);
    assert.equal(server.requests[2].headers.authorization, `Bearer ${TENANT}`);
  });
});

describe("hooks", () => {
  it("see every try, and neither a key nor a body", async () => {
    server.play({ status: 503, headers: { "X-Request-Id": "r1" } }, "reset", OK);
    const seen = [];
    const hook = (name) => (info) => seen.push([name, info]);
    const hooks = {
      onRequest: hook("request"),
      onResponse: hook("response"),
      onRetry: hook("retry"),
    };
    const { client } = watched(hooks);
    await client.tenants.suspend("0197", "a secret reason");
    assert.deepEqual(
      seen.map(([name, { attempt, status, requestId, waitMs, reason }]) =>
        [name, attempt, status, requestId, waitMs, reason].filter((one) => one !== undefined),
      ),
      [
        ["request", 1],
        ["response", 1, 503, "r1"],
        ["retry", 1, 200, "503"],
        ["request", 2],
        ["retry", 2, 400, "network"],
        ["request", 3],
        ["response", 3, 200, null],
      ],
    );
    assert.doesNotMatch(JSON.stringify(seen), /tenlyr_live|secret reason/);
  });
});

describe("an address", () => {
  it("keeps its path, without doubling a slash", async () => {
    server.play(OK);
    const { client } = watched({ baseUrl: `${server.url}/proxy/` });
    await client.tenants.get("a/b?c=d#é");
    assert.equal(server.requests[0].url, "/proxy/api/v1/tenants/a%2Fb%3Fc%3Dd%23%C3%A9");
  });
  it("cannot be changed by an id", async () => {
    server.play(OK);
    const { client } = watched();
    for (const id of ["", ".", "..", undefined]) {
      await assert.rejects(client.tenants.delete(id), TypeError);
    }
    assert.equal(server.requests.length, 0);
  });
  it("must be one of http", () => {
    assert.throws(() => new Tenlyr({ apiKey: ADMIN, baseUrl: "ftp://x" }), TypeError);
    assert.throws(() => new Tenlyr({ apiKey: ADMIN, baseUrl: "nonsense" }), TypeError);
  });
});

it("a fetch that never heeds its signal is left behind all the same", async () => {
  const fetchFn = () => new Promise(() => {});
  const { client } = watched({ fetchFn, timeout: 20 });
  await assert.rejects(client.health.overview(), { name: "TenlyrTimeoutError", statusCode: null });
});

it("an export is what its format says", async () => {
  const of = (type, body) => {
    const fetchFn = async () => new Response(body, { headers: { "Content-Type": type } });
    return watched({ fetchFn }).client.tenants;
  };
  const csv = await of("text/csv; charset=utf-8", "id\n1\n").export("0197", { format: "csv" });
  const zip = await of("application/zip", "PK\u0003").export("0197", { format: "zip" });
  const json = await of("application/json", '{"tenant": 1}').export("0197");
  assert.deepEqual([csv, [...zip], json], ["id\n1\n", [80, 75, 3], { tenant: 1 }]);
});

function later(status, after) {
  return { status, headers: { "Retry-After": after } };
}

function idOf(request) {
  return JSON.parse(request.body).id;
}

// A client of the server whose jitter is the longest, and the sleeps that it asks for.
function watched(options = {}) {
  const slept = [];
  const sleep = async (ms) => void slept.push(ms);
  const base = { apiKey: ADMIN, baseUrl: server.url, timeout: 60_000, random: () => 1, sleep };
  return { client: new Tenlyr({ ...base, ...options }), slept };
}
