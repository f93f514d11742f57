/** `@tenlyr/sdk/express`: multi-tenancy for Express, and for NestJS on Express. */

import { TenancyError } from "./middleware/errors.js";
import { activeGuard, planGuard, quotaGuard } from "./middleware/guards.js";
import type { Guard, QuotaOptions } from "./middleware/guards.js";
import { firstText, type TenantRequest } from "./middleware/resolving.js";
import {
  getCurrentTenant,
  setCurrentTenant,
  tenantFinder,
  tenantOrNull,
  type CurrentTenant,
  type TenantOptions,
} from "./middleware/tenants.js";
import { responseTracker, type Tracker, type TrackingOptions } from "./middleware/tracking.js";

export * from "./middleware/index.js";

/** What is used of Express' request. */
export interface ExpressRequest {
  headers: Record<string, string | string[] | undefined>;
  hostname?: string;
  baseUrl?: string;
  path: string;
  query: unknown;
}

/** What is used of Express' response. */
export interface ExpressResponse {
  statusCode: number;
  headersSent: boolean;
  status(code: number): { json(body: unknown): unknown };
  on(event: "finish", listener: () => void): unknown;
}

/** A middleware of Express. */
export type ExpressMiddleware = (
  req: ExpressRequest,
  res: ExpressResponse,
  next: (error?: unknown) => void,
) => void;

/**
 * Finds the request's tenant: `req.tenant`, and `getCurrentTenant(req)`. Answers 404 where there is
 * none, unless `required` is false.
 */
export function createTenantMiddleware(options: TenantOptions<ExpressRequest>): ExpressMiddleware {
  const find = tenantFinder(options);
  return answering(async (req) => {
    const found = await find(asked(req));
    if (found === null) return;
    (req as { tenant?: CurrentTenant }).tenant = setCurrentTenant(req, found);
  });
}

/** Answers 403 unless the tenant is active. */
export function requireActive(): ExpressMiddleware {
  return guarding(activeGuard());
}

/** Answers 403 unless the tenant has this plan or one above it, or one of a list. */
export function requirePlan(plan: string | readonly string[]): ExpressMiddleware {
  return guarding(planGuard(plan));
}

/** Answers 429 when the tenant's quota is used up. */
export function enforceQuota(options: QuotaOptions): ExpressMiddleware {
  return guarding(quotaGuard(options));
}

/** The same as `enforceQuota`. */
export const createQuotaMiddleware = enforceQuota;

/**
 * Tracks every response once it is finished, with its status and how long it took; nobody waits for
 * that. The tenant's key is `req.tenantApiKey`, else that of the lookup.
 */
export function trackUsage(
  tracker: Tracker,
  options: TrackingOptions<ExpressRequest> = {},
): ExpressMiddleware {
  const track = responseTracker(tracker, { tenantKey: keyOf, ...options });
  return (req, res, next) => {
    const begun = performance.now();
    const path = (req.baseUrl ?? "") + req.path;
    res.on("finish", () => {
      const latencyMs = Math.max(0, performance.now() - begun);
      const tenant = tenantOrNull(req);
      void track({ raw: req, tenant, path, statusCode: res.statusCode, latencyMs });
    });
    next();
  };
}

/** Answers what handlers throw of `checkQuotas` and its like; put it behind all routes. */
export function tenantErrors() {
  return (
    error: unknown,
    _req: ExpressRequest,
    res: ExpressResponse,
    next: (error?: unknown) => void,
  ): void => {
    if (error instanceof TenancyError && !res.headersSent) refuse(res, error);
    else next(error);
  };
}

function guarding(guard: Guard): ExpressMiddleware {
  return answering(async (req) => guard(getCurrentTenant(req)));
}

/** Goes on when `run` is through; a refusal is answered here, any other error is Express'. */
function answering(run: (req: ExpressRequest) => Promise<void>): ExpressMiddleware {
  return (req, res, next) => {
    run(req).then(
      () => next(),
      (error: unknown) => (error instanceof TenancyError ? refuse(res, error) : next(error)),
    );
  };
}

function refuse(res: ExpressResponse, error: TenancyError): void {
  res.status(error.statusCode).json(error.toJSON());
}

function keyOf(req: ExpressRequest): string | undefined {
  return (req as { tenantApiKey?: string }).tenantApiKey;
}

function asked(req: ExpressRequest): TenantRequest<ExpressRequest> {
  const header = (name: string): string | null => firstText(req.headers[name.toLowerCase()]);
  return {
    // Express' own heeds `trust proxy`.
    host: req.hostname ?? header("host") ?? "",
    path: (req.baseUrl ?? "") + req.path,
    header,
    query: (name) => firstText((req.query as Record<string, unknown> | undefined)?.[name]),
    raw: req,
  };
}
