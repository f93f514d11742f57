// What the middleware of every framework is made of: strategies, the cache, guards, tracking.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import { Tenlyr } from "../dist/esm/index.js";
import {
  activeGuard,
  checkQuotas,
  getCurrentTenant,
  planGuard,
  quotaGuard,
  resolverOf,
  responseTracker,
  setCurrentTenant,
  tenantFinder,
  tenantOrNull,
} from "../dist/esm/middleware/index.js";
import { ADMIN, TENANT } from "./support/keys.mjs";

const ID = "01975f3c-8a10-7c3e-9b55-1f2e3d4c5b6a";
const domainLookup = async (host) => (host === "app.acme.com" ? "acme" : null);
const verifyJwt = async (token) => (token === "good" ? { tenant_id: "acme", org: "globex" } : null);
const customResolver = (request) => request.header("cookie");
const bearer = (token) => ({ headers: { authorization: `Bearer ${token}` } });

const RESOLVED = [
  ["subdomain", {}, { host: "acme.app.example.com" }, "acme"],
  ["subdomain", {}, { host: "ACME.app.example.com:8443" }, "acme"],
  ["subdomain", {}, { host: "example.com" }, null],
  ["subdomain", {}, { host: "www.example.com" }, null],
  ["subdomain", {}, { host: "192.168.1.10" }, null],
  ["subdomain", {}, { host: "[::1]:80" }, null],
  ["subdomain", { baseDomain: "app.example.com" }, { host: "acme.app.example.com" }, "acme"],
  ["subdomain", { baseDomain: "app.example.com" }, { host: "app.example.com" }, null],
  ["subdomain", { baseDomain: "app.example.com" }, { host: "a.b.app.example.com" }, null],
  ["subdomain", { baseDomain: "app.example.com" }, { host: "acme.evil.com" }, null],
  ["custom_domain", { domainLookup }, { host: "App.Acme.com:443" }, "acme"],
  ["custom_domain", { domainLookup }, { host: "app.other.com" }, null],
  ["path", {}, { path: "/t/acme/api/tasks" }, "acme"],
  ["path", {}, { path: "/t/a%20b" }, "a b"],
  ["path", {}, { path: "/t/%" }, null],
  ["path", {}, { path: "/t/" }, null],
  ["path", {}, { path: "/tasks/acme" }, null],
  ["path", { pathPrefix: "/orgs/" }, { path: "/orgs/acme" }, "acme"],
  ["header", {}, { headers: { "x-tenant-id": "acme" } }, "acme"],
  ["header", { headerName: "X-Org" }, { headers: { "x-org": "acme" } }, "acme"],
  ["header", {}, {}, null],
  ["query", {}, { params: { tenant: "acme" } }, "acme"],
  ["query", { queryParam: "org" }, { params: { org: "acme" } }, "acme"],
  ["query", {}, {}, null],
  ["jwt", { verifyJwt }, bearer("good"), "acme"],
  ["jwt", { verifyJwt, jwtClaim: "org" }, bearer("good"), "globex"],
  ["jwt", { verifyJwt, jwtClaim: "none" }, bearer("good"), null],
  ["jwt", { verifyJwt }, bearer("forged"), null],
  ["jwt", { verifyJwt }, {}, null],
  ["custom", { customResolver }, { headers: { cookie: "acme" } }, "acme"],
  ["custom", { customResolver }, {}, null],
];

describe("a tenant's name is found by", () => {
  for (const [resolution, more, given, wanted] of RESOLVED) {
    it(`${resolution} ${JSON.stringify(more)} of ${JSON.stringify(given)}: ${wanted}`, async () => {
      assert.equal(await resolverOf({ resolution, ...more })(request(given)), wanted);
    });
  }
  it("the first of several that finds one", async () => {
    const resolve = resolverOf({ resolution: ["header", "query"] });
    assert.equal(await resolve(request({ params: { tenant: "b" } })), "b");
    const both = { headers: { "x-tenant-id": "a" }, params: { tenant: "b" } };
    assert.equal(await resolve(request(both)), "a");
  });
  it("nothing that lacks what it needs", () => {
    for (const resolution of ["custom_domain", "jwt", "custom", "nonsense"]) {
      assert.throws(() => resolverOf({ resolution }), TypeError);
    }
  });
});

describe("a tenant is looked up", () => {
  const config = { resolution: "header" };
  const named = (name) => request({ headers: { "x-tenant-id": name } });

  it("once for many requests, and again when its time is over", async (context) => {
    context.mock.timers.enable({ apis: ["Date"] });
    let asked = 0;
    const lookupTenant = async (name) => (asked++, { id: name });
    const find = tenantFinder({ config, lookupTenant, cacheTtlMs: 1_000 });
    const both = await Promise.all([find(named("a")), find(named("a"))]);
    assert.deepEqual([asked, both[0].id, both[1].id], [1, "a", "a"]);
    context.mock.timers.tick(999);
    await find(named("a"));
    assert.equal(asked, 1);
    context.mock.timers.tick(2);
    await find(named("a"));
    assert.equal(asked, 2);
  });

  it("anew when nobody had the name five seconds ago", async (context) => {
    context.mock.timers.enable({ apis: ["Date"] });
    let there = null;
    const find = tenantFinder({ config, lookupTenant: () => there });
    await assert.rejects(find(named("a")), { name: "TenantNotFoundError", statusCode: 404 });
    there = { id: "a" };
    await assert.rejects(find(named("a")), { name: "TenantNotFoundError" });
    context.mock.timers.tick(5_001);
    assert.equal((await find(named("a"))).id, "a");
  });

  it("anew after a failure, which is the caller's to see", async () => {
    let fails = true;
    const lookupTenant = async (name) => {
      if (fails) throw new Error("the database is away");
      return { id: name };
    };
    const find = tenantFinder({ config, lookupTenant });
    await assert.rejects(find(named("a")), { message: "the database is away" });
    fails = false;
    assert.equal((await find(named("a"))).id, "a");
  });

  it("and forgotten, the oldest first, when there are too many", async () => {
    const asked = [];
    const lookupTenant = async (name) => (asked.push(name), { id: name });
    const find = tenantFinder({ config, lookupTenant, cacheSize: 2 });
    for (const name of ["a", "b", "c", "b", "a"]) await find(named(name));
    assert.deepEqual(asked, ["a", "b", "c", "a"]);
  });

  it("with Tenlyr, by its id, where there is no lookup", async () => {
    const paths = [];
    const fetchFn = async (url) => {
      paths.push(new URL(url).pathname);
      if (!url.endsWith(ID)) return Response.json({ message: "No." }, { status: 404 });
      return Response.json({ id: ID, status: "suspended", plan: "growth", name: "Acme" });
    };
    const client = new Tenlyr({ apiKey: ADMIN, fetchFn });
    const find = tenantFinder({ config, client });
    const { id, status, metadata } = await find(named(ID));
    assert.deepEqual([id, status, metadata.plan], [ID, "suspended", "growth"]);
    for (const name of [ID.replace("0", "1"), "..", "acme"]) {
      await assert.rejects(find(named(name)), { name: "TenantNotFoundError" });
    }
    assert.equal(paths.length, 2);
  });

  it("or not at all where none is required", async () => {
    const find = tenantFinder({ config, lookupTenant: () => null, required: false });
    assert.equal(await find(request({})), null);
    assert.throws(() => tenantFinder({ config }), TypeError);
  });
});

describe("the current tenant", () => {
  it("is whom the request is for, without its key in sight", () => {
    const context = {};
    assert.equal(tenantOrNull(context), null);
    assert.throws(() => getCurrentTenant(context), { name: "TenantNotFoundError" });
    setCurrentTenant(context, { id: "acme", apiKey: TENANT, metadata: { plan: "pro" } });
    const tenant = getCurrentTenant(context);
    assert.deepEqual(JSON.parse(JSON.stringify(tenant)), {
      id: "acme",
      slug: "acme",
      status: "active",
      metadata: { plan: "pro" },
    });
    assert.equal(tenant.apiKey, TENANT);
    assert.equal(inspect(tenant).includes(TENANT), false);
  });
});

describe("a guard", () => {
  const tenant = (more) => setCurrentTenant({}, { id: ID, ...more });

  it("lets active tenants through only", () => {
    const guard = activeGuard();
    guard(tenant({ status: "active" }));
    const refused = (status) => assert.throws(() => guard(tenant({ status })), { statusCode: 403 });
    for (const status of ["suspended", "pending", "terminated", "odd"]) refused(status);
    assert.throws(() => guard(tenant({ status: "suspended" })), { name: "TenantSuspendedError" });
    assert.throws(() => guard(tenant({ status: "pending" })), { name: "TenantInactiveError" });
  });

  it("lets a plan and better ones through, or those of a list", () => {
    const on = (plan) => tenant({ metadata: { plan } });
    for (const plan of ["growth", "scale", "enterprise"]) planGuard("growth")(on(plan));
    planGuard(["gold"])(on("gold"));
    for (const plan of ["starter", undefined, "gold"]) {
      assert.throws(() => planGuard("growth")(on(plan)), { name: "PlanRequiredError" });
    }
    assert.throws(() => planGuard(["gold"])(on("growth")), { statusCode: 403 });
    assert.throws(() => planGuard("gold"), TypeError);
  });

  it("lets through what a quota has room for, and warns from 80 %", async () => {
    let used = 0;
    const warned = [];
    const guard = quotaGuard({
      quotaKey: "apiRequests",
      checkUsage: async (id, key) => (assert.deepEqual([id, key], [ID, "apiRequests"]), used),
      onWarning: (_tenant, ...rest) => warned.push(rest),
    });
    const limited = tenant({ metadata: { quotas: { apiRequests: 10 } } });
    for (used of [0, 7, 8, 9]) await guard(limited);
    assert.deepEqual(warned, [[8, 10], [9, 10]]);
    used = 10;
    await assert.rejects(async () => guard(limited), (error) => {
      assert.deepEqual(error.toJSON(), {
        message: "Plan limit reached",
        error: "Plan limit reached",
        statusCode: 429,
        code: "quota_exceeded",
        quota: "apiRequests",
        limit: 10,
        current: 10,
      });
      return error.name === "QuotaExceededError";
    });
    await guard(tenant({})); // without a quota there is no limit
    const costly = quotaGuard({ quotaKey: "q", cost: 6, limit: () => 10, checkUsage: () => 5 });
    await assert.rejects(async () => costly(limited), { name: "QuotaExceededError" });
  });

  it("asks Tenlyr for use and limit where there is nobody else to ask", async () => {
    const asked = [];
    const fetchFn = async (_url, init) => {
      asked.push(init.headers.Authorization);
      return Response.json({ metrics: { api_call: { used: 100, limit: 100 } } });
    };
    const client = new Tenlyr({ apiKey: ADMIN, fetchFn });
    const guard = quotaGuard({ quotaKey: "api_call", client });
    const caller = tenant({ apiKey: TENANT });
    await assert.rejects(async () => guard(caller), { name: "QuotaExceededError", limit: 100 });
    assert.deepEqual(asked, [`Bearer ${TENANT}`]);
    await quotaGuard({ quotaKey: "api_call", client, limit: 200 })(caller);
    await quotaGuard({ quotaKey: "api_call", client, limit: null })(caller);
    assert.throws(() => quotaGuard({ quotaKey: "api_call" }), TypeError);
  });
});

it("quotas are checked by hand", async () => {
  const quotas = { apiRequests: 10_000, storage: 5_000_000_000 };
  const usage = { apiRequests: 9_999, storage: 0 };
  const checkUsage = async (_id, key) => usage[key];
  await checkQuotas(ID, quotas, checkUsage);
  usage.storage = 5_000_000_000;
  const wanted = { name: "QuotaExceededError", quota: "storage", limit: 5_000_000_000 };
  await assert.rejects(checkQuotas(ID, quotas, checkUsage), wanted);
});

describe("a response", () => {
  const usual = { raw: {}, tenant: null, path: "/a", statusCode: 200, latencyMs: 3 };
  const finished = (more) => ({ ...usual, ...more });

  it("is tracked whatever its status, for the tenant whose key is known", async () => {
    const tracked = [];
    const track = responseTracker({ track: async (event) => void tracked.push(event) });
    const tenant = setCurrentTenant({}, { id: ID, apiKey: TENANT });
    await track(finished({ tenant, statusCode: 503, path: `/${"x".repeat(300)}` }));
    await track(finished({}));
    assert.equal(tracked.length, 1);
    assert.deepEqual({ ...tracked[0], endpoint: tracked[0].endpoint.length }, {
      tenantKey: TENANT,
      metric: "api_call",
      value: 1,
      endpoint: 255,
      statusCode: 503,
      latencyMs: 3,
    });
  });

  it("that could not be tracked is told, and nothing else", async () => {
    const errors = [];
    const onError = (error) => errors.push(error.message);
    const tracker = { track: async () => Promise.reject(new Error("away")) };
    await responseTracker(tracker, { onError, tenantKey: () => TENANT })(finished({}));
    assert.deepEqual(errors, ["away"]);
  });
});

function request({ host = "example.com", path = "/", headers = {}, params = {} }) {
  const header = (name) => headers[name.toLowerCase()] ?? null;
  return { host, path, header, query: (name) => params[name] ?? null, raw: {} };
}
