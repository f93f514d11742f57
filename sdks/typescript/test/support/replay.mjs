// Replays one conformance case over a fake fetch (sdks/README.md, "Conformance").
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Tenlyr } from "../../dist/esm/index.js";
import * as sdk from "../../dist/esm/index.js";

const SHARED = new URL("../../../conformance/", import.meta.url);
const METHODS = new Map(shared("methods.json").map((one) => [one.method, one]));
const KEYS = shared("keys.json").keys;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$/;
const HANG_MS = 25;

export function shared(name) {
  return JSON.parse(readFileSync(new URL(name, SHARED), "utf8"));
}

export async function replay(given) {
  const one = withKeys(given);
  const waits = [];
  const server = new FakeServer(one.exchanges ?? []);
  const client = clientOf(one, server, waits);
  const outcome = await settled(() => called(client, one.call));
  server.checkDone();
  if (one.error) judgeError(outcome, one.error);
  else judgeResult(outcome, one.result);
  if (one.waitsMs) assert.deepEqual(waits.map(Math.round), one.waitsMs.map(Math.round));
}

function withKeys(one) {
  const text = JSON.stringify(one);
  return JSON.parse(text.replace(/\$(?:ADMIN|TENANT|OTHER_TENANT)\b/g, (name) => KEYS[name]));
}

function clientOf(one, server, waits) {
  const { key, baseUrl, retries, retryDelayMs, timeoutMs, random = [] } = one.client ?? {};
  const hangs = (one.exchanges ?? []).some((exchange) => exchange.fault === "timeout");
  let drawn = 0;
  return new Tenlyr({
    apiKey: key === undefined ? KEYS.$ADMIN : key,
    baseUrl,
    retries,
    retryDelay: retryDelayMs,
    timeout: hangs ? HANG_MS : timeoutMs,
    fetchFn: (url, init) => server.fetch(url, init),
    random: () => random[Math.min(drawn++, random.length - 1)] ?? 1,
    sleep: async (ms) => void waits.push(ms),
  });
}

async function called(client, { method, args = {} }) {
  if (method === "usage.buffer") return buffered(client, args.events);
  const [resource, name] = method.split(".");
  const found = client[resource][name](...placed(method, args));
  if (typeof found[Symbol.asyncIterator] !== "function") return found;
  const all = [];
  for await (const entry of found) all.push(entry);
  return all;
}

// Takes events through a buffer; the result is what onError hears of.
async function buffered(client, events) {
  const refused = [];
  const onError = ({ tenantKey: _, ...event }, { code }) => refused.push({ ...event, code });
  const buffer = client.usage.buffer({ flushIntervalMs: 3_600_000, onError });
  for (const event of events) await buffer.track(event);
  await buffer.close();
  return refused;
}

// A call's arguments in TypeScript's order: what is positional, one object, a key.
function placed(method, args) {
  const rest = { ...args };
  const take = (name) => {
    const value = rest[name];
    delete rest[name];
    return value;
  };
  if (method === "usage.track") return [rest];
  if (method === "isolation.waitForMigration") return [take("migrationId") ?? take("id"), rest];
  const spec = specOf(method);
  const list = spec.key === "tenantKey" ? [take("tenantKey")] : [];
  list.push(...spec.positional.map(take));
  if (method === "usage.trackBatch") list.push(take("events"));
  const key = spec.key === "tenantKey?" ? (take("key") ?? take("tenantKey")) : undefined;
  const left = Object.keys(rest).length > 0 ? rest : undefined;
  const takesMore = spec.query.length + spec.body.length > 0 || spec.http === "POST";
  if (left !== undefined || (key !== undefined && takesMore)) list.push(left);
  if (key !== undefined) list.push(key);
  return list;
}

function specOf(method) {
  if (method === "tenants.health") return METHODS.get("tenants.dashboard");
  return METHODS.get(method) ?? METHODS.get(method.replace(/All$/, ""));
}

async function settled(run) {
  try {
    return { result: await run() };
  } catch (error) {
    return { error };
  }
}

function judgeResult(outcome, wanted) {
  if (outcome.error) throw outcome.error;
  if (wanted === undefined) return;
  if (wanted === null) assert.equal(outcome.result ?? null, null);
  else holds(outcome.result, wanted, "result");
}

function judgeError({ error, result }, { class: name, ...details }) {
  assert.ok(error !== undefined, `no error, but ${JSON.stringify(result)}`);
  const Class = sdk[name === "PermissionDeniedError" ? "PermissionError" : name];
  assert.ok(Class, `${name} is no error of this SDK`);
  assert.equal(error.constructor, Class, String(error));
  holds(error, details, name);
}

// Whether a value has all that is named in another one, and lists of the same length.
function holds(value, wanted, where) {
  if (wanted === null || typeof wanted !== "object") return assert.deepEqual(value, wanted, where);
  assert.ok(value !== null && typeof value === "object", `${where}: ${JSON.stringify(value)}`);
  if (Array.isArray(wanted)) assert.equal(value.length, wanted.length, where);
  for (const [name, part] of Object.entries(wanted)) holds(value[name], part, `${where}.${name}`);
}

class FakeServer {
  #exchanges;
  #named = new Map();
  #wrong = null;

  constructor(exchanges) {
    this.#exchanges = [...exchanges];
  }

  checkDone() {
    if (this.#wrong !== null) throw this.#wrong;
    assert.equal(this.#exchanges.length, 0, "requests that were not made");
  }

  async fetch(url, init) {
    const exchange = this.#exchanges.shift();
    // To the client whatever is thrown here is the network's: what was wrong is kept for the end.
    try {
      assert.ok(exchange !== undefined, `a request on top: ${init.method} ${url}`);
      this.#judge(exchange.request ?? {}, new URL(url), init);
    } catch (error) {
      this.#wrong ??= error;
      throw error;
    }
    return exchange.fault ? faulty(exchange.fault, init.signal) : answerOf(exchange.response);
  }

  #judge(wanted, url, init) {
    const base = wanted.url === undefined ? "" : new URL(wanted.url).pathname;
    if (wanted.url !== undefined) assert.equal(String(url), wanted.url);
    if (wanted.method !== undefined) assert.equal(init.method, wanted.method);
    if (wanted.path !== undefined) assert.equal(base + url.pathname, wanted.path);
    const query = Object.fromEntries(url.searchParams);
    if (wanted.query !== undefined) assert.deepEqual(query, wanted.query);
    const headers = new Headers(init.headers);
    for (const [name, value] of Object.entries(wanted.headers ?? {})) {
      this.#match(headers.get(name) ?? undefined, value, name);
    }
    const body = init.body === undefined ? null : JSON.parse(init.body);
    this.#match(body, "body" in wanted ? wanted.body : body === null ? null : {}, "body");
  }

  #match(value, wanted, where) {
    if (wanted === null || typeof wanted !== "object") return this.#matchOne(value, wanted, where);
    assert.deepEqual(Object.keys(value ?? {}).sort(), Object.keys(wanted).sort(), where);
    for (const name of Object.keys(wanted)) {
      this.#match(value[name], wanted[name], `${where}.${name}`);
    }
  }

  #matchOne(value, wanted, where) {
    if (wanted === "$uuid") return assert.match(String(value), UUID, where);
    if (wanted === "$time") return assert.match(String(value), TIME, where);
    if (typeof wanted === "string" && wanted.startsWith("$same:")) {
      if (!this.#named.has(wanted)) this.#named.set(wanted, value);
      return assert.equal(value, this.#named.get(wanted), where);
    }
    return assert.deepEqual(value, wanted, where);
  }
}

function answerOf({ status, headers = {}, body, rawBody }) {
  const text = rawBody ?? (body === undefined || body === null ? "" : JSON.stringify(body));
  return new Response(status === 204 ? null : text, { status, headers });
}

function faulty(fault, signal) {
  if (fault === "timeout") {
    return new Promise((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  }
  if (fault === "truncated") {
    const cut = async () => Promise.reject(new TypeError("terminated"));
    return { status: 200, headers: new Headers(), text: cut, arrayBuffer: cut };
  }
  const code = fault === "refused" ? "ECONNREFUSED" : "ECONNRESET";
  throw new TypeError("fetch failed", { cause: Object.assign(new Error(fault), { code }) });
}
