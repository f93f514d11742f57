/** `@tenlyr/sdk/hono`: multi-tenancy for Hono, on Node and at the edge. */

import { TenancyError } from "./middleware/errors.js";
import { activeGuard, planGuard, quotaGuard } from "./middleware/guards.js";
import type { Guard, QuotaOptions } from "./middleware/guards.js";
import type { TenantRequest } from "./middleware/resolving.js";
import {
  getCurrentTenant,
  setCurrentTenant,
  tenantFinder,
  tenantOrNull,
  type TenantOptions,
} from "./middleware/tenants.js";
import { responseTracker, type Tracker, type TrackingOptions } from "./middleware/tracking.js";

export * from "./middleware/index.js";

/** What is used of Hono's context. */
export interface HonoContext {
  req: {
    url: string;
    path: string;
    header(name: string): string | undefined;
    query(name: string): string | undefined;
  };
  // Hono's own types are of its version; what matters is checked by tests against the real one.
  res: any;
  set: (name: any, value: any) => void;
  json: (body: any, status: any) => any;
}

/** A middleware of Hono. */
export type HonoMiddleware = (context: HonoContext, next: () => Promise<void>) => Promise<any>;

/**
 * Finds the request's tenant: `c.get("tenant")`, and `getCurrentTenant(c)`. Answers 404 where there
 * is none, unless `required` is false.
 */
export function createTenantMiddleware(options: TenantOptions<HonoContext>): HonoMiddleware {
  const find = tenantFinder(options);
  return answering(async (context) => {
    const found = await find(asked(context));
    if (found !== null) context.set("tenant", setCurrentTenant(context, found));
  });
}

/** Answers 403 unless the tenant is active. */
export function requireActive(): HonoMiddleware {
  return guarding(activeGuard());
}

/** Answers 403 unless the tenant has this plan or one above it, or one of a list. */
export function requirePlan(plan: string | readonly string[]): HonoMiddleware {
  return guarding(planGuard(plan));
}

/** Answers 429 when the tenant's quota is used up. */
export function enforceQuota(options: QuotaOptions): HonoMiddleware {
  return guarding(quotaGuard(options));
}

/** The same as `enforceQuota`. */
export const createQuotaMiddleware = enforceQuota;

/**
 * Tracks every response; nobody waits for that. At the edge the runtime is asked to stay until the
 * event is sent (`waitUntil`).
 */
export function trackUsage(
  tracker: Tracker,
  options: TrackingOptions<HonoContext> = {},
): HonoMiddleware {
  const track = responseTracker(tracker, options);
  return async (context, next) => {
    const begun = performance.now();
    await next();
    const latencyMs = Math.max(0, performance.now() - begun);
    const { path } = context.req;
    const statusCode: number = context.res.status;
    const tenant = tenantOrNull(context);
    stayUntil(context, track({ raw: context, tenant, path, statusCode, latencyMs }));
  };
}

/**
 * For `app.onError`: answers what handlers throw of `checkQuotas` and its like, and any other error
 * as Hono does by itself: an `HTTPException` by its response, else with 500.
 */
export function tenantErrors(error: unknown, context: HonoContext): any {
  if (error instanceof TenancyError) return refuse(context, error);
  const own = error as { getResponse?: () => unknown } | null;
  if (typeof own?.getResponse === "function") return own.getResponse();
  console.error(error);
  return context.json({ message: "Internal Server Error", statusCode: 500 }, 500);
}

function guarding(guard: Guard): HonoMiddleware {
  return answering(async (context) => guard(getCurrentTenant(context)));
}

/** Goes on when `run` is through; a refusal is answered here, any other error is Hono's. */
function answering(run: (context: HonoContext) => Promise<void>): HonoMiddleware {
  return async (context, next) => {
    try {
      await run(context);
    } catch (error) {
      if (error instanceof TenancyError) return refuse(context, error);
      throw error;
    }
    await next();
  };
}

function refuse(context: HonoContext, error: TenancyError): any {
  return context.json(error.toJSON(), error.statusCode);
}

interface Lasting {
  waitUntil(work: Promise<void>): void;
}

function stayUntil(context: HonoContext, work: Promise<void>): void {
  try {
    (context as { executionCtx?: Lasting }).executionCtx?.waitUntil(work);
  } catch {
    // Hono throws where the runtime has no such thing, as on Node: there the work goes on anyway.
  }
}

function asked(context: HonoContext): TenantRequest<HonoContext> {
  const { req } = context;
  return {
    host: req.header("Host") ?? new URL(req.url).host,
    path: req.path,
    header: (name) => req.header(name) ?? null,
    query: (name) => req.query(name) ?? null,
    raw: context,
  };
}
