// The middleware in the real Express, Fastify and Hono: the same requests, the same answers.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, describe, it, mock } from "node:test";
import express from "express";
import fastify from "fastify";
import { Hono } from "hono";
import * as forExpress from "../dist/esm/express.js";
import * as forFastify from "../dist/esm/fastify.js";
import * as forHono from "../dist/esm/hono.js";
import { TENANT } from "./support/keys.mjs";

const RICH = { plan: "growth", quotas: { calls: 5 } };
const TENANTS = {
  acme: { id: "1", slug: "acme", apiKey: TENANT, metadata: RICH },
  small: { id: "2", slug: "small", apiKey: TENANT, metadata: { plan: "starter" } },
  stopped: { id: "3", slug: "stopped", status: "suspended", metadata: { plan: "scale" } },
  young: { id: "4", slug: "young", status: "pending", metadata: {} },
};
const options = {
  config: { strategy: "shared", resolution: ["header", "query"] },
  lookupTenant: async (name) => {
    if (name === "broken") throw new Error("the database is away");
    return TENANTS[name] ?? null;
  },
};
const quota = { quotaKey: "calls", checkUsage: async () => 5 };
const spent = ({ checkQuotas }) => checkQuotas("1", { calls: 5 }, async () => 5);

const ASKED = [
  ["a tenant's request", "/me", "acme", 200, { id: "1", slug: "acme", plan: "growth" }],
  ["one that names it in the query", "/me?tenant=small", null, 200, { id: "2" }],
  ["no tenant", "/me", null, 404, { code: "tenant_not_found", error: "Not Found" }],
  ["a tenant that is none", "/me", "nobody", 404, { code: "tenant_not_found", statusCode: 404 }],
  ["an active tenant", "/active", "acme", 200, {}],
  ["a suspended one", "/active", "stopped", 403, { code: "tenant_suspended", error: "Forbidden" }],
  ["one that is not active yet", "/active", "young", 403, { code: "tenant_inactive" }],
  ["a plan that is enough", "/growth", "acme", 200, {}],
  ["a plan that is not", "/growth", "small", 403, { code: "plan_required" }],
  ["a quota that is used up", "/quota", "acme", 429, { error: "Plan limit reached", limit: 5 }],
  ["no quota", "/quota", "small", 200, {}],
  ["a quota that the handler checks", "/spent", "acme", 429, { code: "quota_exceeded" }],
  ["a handler that fails", "/fails", "acme", 500, null],
  ["a lookup that fails", "/me", "broken", 500, null],
];

const FRAMEWORKS = { Express: onExpress, Fastify: onFastify, Hono: onHono };
for (const [name, start] of Object.entries(FRAMEWORKS)) {
  describe(name, () => {
    let app;
    before(async () => {
      mock.method(console, "error", () => {}); // where Hono tells of the failures below
      app = await start();
    });
    after(() => app.stop());

    for (const [what, path, tenant, status, body] of ASKED) {
      it(`${what}: ${status}`, async () => {
        const headers = tenant === null ? {} : { "X-Tenant-ID": tenant };
        const response = await fetch(app.url + path, { headers });
        assert.equal(response.status, status);
        const text = await response.text();
        if (body === null) return;
        const answer = JSON.parse(text);
        for (const [field, value] of Object.entries(body)) assert.equal(answer[field], value);
      });
    }

    it("every response of a tenant with a key is tracked", { timeout: 60_000 }, async () => {
      const tenants = Object.keys(TENANTS).concat("broken");
      const wanted = ASKED.flatMap(([, path, tenant, status]) => {
        const known = tenant ?? (path.includes("tenant=") ? "small" : "");
        const hasKey = tenants.includes(known) && TENANTS[known]?.apiKey !== undefined;
        return hasKey ? [`${path.split("?")[0]} ${status}`] : [];
      });
      while (app.tracked.length < wanted.length) await new Promise((wake) => setTimeout(wake, 1));
      const seen = app.tracked.map((event) => `${event.endpoint} ${event.statusCode}`);
      assert.deepEqual(seen.sort(), wanted.sort());
      assert.ok(app.tracked.every((event) => event.latencyMs >= 0 && event.tenantKey === TENANT));
    });
  });
}

async function onExpress() {
  const kit = forExpress;
  const { tracked, tracker } = tracking();
  const app = express();
  app.use(kit.trackUsage(tracker));
  app.use(kit.createTenantMiddleware(options));
  app.get("/me", (req, res) => {
    assert.equal(req.tenant, kit.getCurrentTenant(req));
    res.json(shown(req.tenant));
  });
  app.get("/active", kit.requireActive(), (_req, res) => res.json({}));
  app.get("/growth", kit.requirePlan("growth"), (_req, res) => res.json({}));
  app.get("/quota", kit.enforceQuota(quota), (_req, res) => res.json({}));
  app.get("/spent", async (_req, res) => res.json(await spent(kit)));
  app.get("/fails", () => {
    throw new Error("on purpose");
  });
  app.use(kit.tenantErrors());
  app.use((_error, _req, res, _next) => res.status(500).end());
  const server = createServer(app);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { url: urlOf(server), tracked, stop: () => stopped(server) };
}

async function onFastify() {
  const kit = forFastify;
  const { tracked, tracker } = tracking();
  const app = fastify({ logger: false });
  app.addHook("onResponse", kit.trackUsage(tracker));
  app.addHook("onRequest", kit.createTenantMiddleware(options));
  app.setErrorHandler(kit.tenantErrors);
  app.get("/me", async (request) => shown(kit.getCurrentTenant(request)));
  app.get("/active", { preHandler: kit.requireActive() }, async () => ({}));
  app.get("/growth", { preHandler: kit.requirePlan("growth") }, async () => ({}));
  app.get("/quota", { preHandler: kit.enforceQuota(quota) }, async () => ({}));
  app.get("/spent", async () => spent(kit));
  app.get("/fails", async () => {
    throw new Error("on purpose");
  });
  await app.listen({ port: 0, host: "127.0.0.1" });
  return { url: urlOf(app.server), tracked, stop: () => app.close() };
}

async function onHono() {
  const kit = forHono;
  const { tracked, tracker } = tracking();
  const app = new Hono();
  app.use(kit.trackUsage(tracker));
  app.use(kit.createTenantMiddleware(options));
  app.onError(kit.tenantErrors);
  app.get("/me", (context) => {
    assert.equal(context.get("tenant"), kit.getCurrentTenant(context));
    return context.json(shown(context.get("tenant")));
  });
  app.get("/active", kit.requireActive(), (context) => context.json({}));
  app.get("/growth", kit.requirePlan("growth"), (context) => context.json({}));
  app.get("/quota", kit.enforceQuota(quota), (context) => context.json({}));
  app.get("/spent", async (context) => context.json(await spent(kit)));
  app.get("/fails", () => {
    throw new Error("on purpose");
  });
  const server = createServer((request, response) => void served(app, request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { url: urlOf(server), tracked, stop: () => stopped(server) };
}

// Hono speaks fetch: this is as much of an adapter as these requests need.
async function served(app, request, response) {
  const url = `http://${request.headers.host}${request.url}`;
  const answer = await app.fetch(new Request(url, { headers: request.headers }));
  response.writeHead(answer.status, Object.fromEntries(answer.headers));
  response.end(await answer.text());
}

function shown({ id, slug, metadata }) {
  return { id, slug, plan: metadata.plan };
}

function tracking() {
  const tracked = [];
  return { tracked, tracker: { track: async (event) => void tracked.push(event) } };
}

function urlOf(server) {
  return `http://127.0.0.1:${server.address().port}`;
}

async function stopped(server) {
  server.closeAllConnections();
  server.close();
  await once(server, "close");
}
