// What an integrator writes, as the documentation shows it: compiled with --strict, both as ESM and
// as CommonJS, against the packed package and nothing else. Only its types are tested.
import {
  AuthenticationError,
  ConflictError,
  EVENT_TYPES,
  InvalidRequestError,
  NotFoundError,
  PermissionError,
  RateLimitError,
  Tenlyr,
  TenlyrError,
  TenlyrNetworkError,
  TenlyrTimeoutError,
  type Alert,
  type DashboardTenant,
  type EventTypeName,
  type FetchFn,
  type HealthOverview,
  type IsolationMigration,
  type Tenant,
  type TenantBilling,
  type TenantHealth,
  type TenantPlan,
  type TenantUsageMetric,
  type UsageEvent,
  type UsageMetric,
  type UsageSummary,
} from "@tenlyr/sdk";

import { createTenantMiddleware, trackUsage } from "@tenlyr/sdk/express";
import { requireActive, type FastifyHook } from "@tenlyr/sdk/fastify";
import { requirePlan, type HonoMiddleware } from "@tenlyr/sdk/hono";
import { checkQuotas, getCurrentTenant, QuotaExceededError } from "@tenlyr/sdk/middleware";
import { TenantDatabases, type PgPoolClass } from "@tenlyr/sdk/pg";

declare const Pool: PgPoolClass;
declare const process: { env: Record<string, string | undefined> };
declare const fetchFn: FetchFn;

const tenlyr = new Tenlyr({
  apiKey: process.env.TENLYR_ADMIN_KEY,
  baseUrl: "https://api.tenlyr.app",
  timeout: 10_000,
  retries: 3,
  retryDelay: 200,
  fetchFn,
  onRetry: ({ attempt, waitMs }) => void (attempt + waitMs),
});

export async function provision(name: string, ownerEmail: string, plan: TenantPlan) {
  try {
    const { tenant, apiKey } = await tenlyr.tenants.create({ name, ownerEmail, plan });
    const stored: [Tenant, string] = [tenant, apiKey];
    return stored;
  } catch (err) {
    if (err instanceof ConflictError) {
      const { data } = await tenlyr.tenants.list();
      return data.find((t) => t.ownerEmail === ownerEmail);
    }
    throw err;
  }
}

export async function everyDocumentedMethod(id: string, tenantKey: string) {
  const page: { data: Tenant[]; nextCursor: string | null } = await tenlyr.tenants.list({
    limit: 10,
  });
  const rows: DashboardTenant[] = await tenlyr.tenants.health();
  await tenlyr.tenants.update(id, { name: "Acme" });
  await tenlyr.tenants.suspend(id, "unpaid");
  await tenlyr.tenants.reactivate(id);
  await tenlyr.tenants.terminate(id);
  const rotated: { tenant: Tenant; apiKey: string } = await tenlyr.tenants.rotateApiKey(id);
  await tenlyr.tenants.changePlan(id, "scale");
  const gone: void = await tenlyr.tenants.delete(id);
  const event: UsageEvent = await tenlyr.usage.track({ tenantKey, metric: "api_call", value: 1 });
  const metrics: TenantUsageMetric = await tenlyr.usage.metrics(tenantKey);
  const summary: UsageSummary = await tenlyr.usage.summary(tenantKey);
  const events: UsageEvent[] = await tenlyr.usage.events(tenantKey, 100);
  const overview: HealthOverview = await tenlyr.health.overview();
  const health: TenantHealth = await tenlyr.health.throttle(id, 60);
  const move: IsolationMigration = await tenlyr.isolation.migrate(id, {
    targetLevel: "dedicated_schema",
  });
  await tenlyr.isolation.endCredential(id, tenantKey);
  tenlyr.usage.buffer({ onError: (event, error) => void [event.timestamp, error.code] });
  await tenlyr.isolation.waitForMigration(move.id, { pollIntervalMs: 500, timeoutMs: 600_000 });
  const moves: IsolationMigration[] = await tenlyr.isolation.migrations(tenantKey);
  const billing: TenantBilling = await tenlyr.billing.get(tenantKey);
  const { url } = await tenlyr.billing.portalUrl(tenantKey);
  const alerts: Alert[] = await tenlyr.alerts.list(tenantKey);
  const open: Alert[] = await tenlyr.alerts.unresolved({ severity: "critical" }, tenantKey);
  const { resolved } = await tenlyr.alerts.resolveAll();
  const csv: string = await tenlyr.tenants.export(id, { format: "csv" });
  for await (const tenant of tenlyr.tenants.listAll({ plan: "growth" })) rows.length = +tenant.id;
  return [page, rotated, gone, event, metrics, summary, events, overview, health, moves, billing]
    .concat([url, alerts, open, resolved, csv] as never[])
    .length;
}

export function told(err: unknown): number {
  if (err instanceof RateLimitError) return (err.retryAfter ?? 60) * 1000;
  if (err instanceof InvalidRequestError) return err.errors.length;
  if (err instanceof AuthenticationError || err instanceof PermissionError) return 1;
  if (err instanceof NotFoundError || err instanceof TenlyrTimeoutError) return 2;
  if (err instanceof TenlyrNetworkError) return 3;
  if (err instanceof TenlyrError) return err.statusCode ?? 0;
  throw err;
}

export async function multiTenant(req: object): Promise<number> {
  const databases = new TenantDatabases({ client: tenlyr, Pool, ttlSeconds: 600 });
  const { id, slug, metadata } = getCurrentTenant(req);
  await checkQuotas(id, { apiRequests: 10_000 }, async (tenantId, key) => +(tenantId > key));
  const { rows } = await databases.of({ tenantId: id }).query<{ n: number }>("SELECT 1 AS n");
  const n: number | undefined = rows[0]?.n;
  const guards: [FastifyHook, HonoMiddleware] = [requireActive(), requirePlan("growth")];
  trackUsage(tenlyr.usage.buffer(), { onError: (error) => error instanceof QuotaExceededError });
  createTenantMiddleware({
    config: { resolution: ["subdomain", "jwt"], verifyJwt: async () => ({ tenant_id: slug }) },
    lookupTenant: async (name) => ({ id: name, metadata: { plan: metadata.plan } }),
  });
  return (n ?? 0) + guards.length;
}

const type: EventTypeName = EVENT_TYPES[0];
const metric: UsageMetric = "storage_gb";
// @ts-expect-error: no such metric
const wrong: UsageMetric = "gigabytes";
// @ts-expect-error: a plan must be one that there is
void tenlyr.tenants.changePlan("id", "gold");
// @ts-expect-error: whose usage it is must be said
void tenlyr.usage.track({ metric: "api_call", value: 1 });
// @ts-expect-error: a client is made with a key
void new Tenlyr({});
export { metric, type, wrong };
