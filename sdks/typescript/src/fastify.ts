/** `@tenlyr/sdk/fastify`: multi-tenancy for Fastify, and for NestJS on Fastify, as hooks. */

import { TenancyError } from "./middleware/errors.js";
import { activeGuard, planGuard, quotaGuard } from "./middleware/guards.js";
import type { Guard, QuotaOptions } from "./middleware/guards.js";
import { firstText, type TenantRequest } from "./middleware/resolving.js";
import {
  getCurrentTenant,
  setCurrentTenant,
  tenantFinder,
  tenantOrNull,
  type TenantOptions,
} from "./middleware/tenants.js";
import { responseTracker, type Tracker, type TrackingOptions } from "./middleware/tracking.js";

export * from "./middleware/index.js";

/** What is used of Fastify's request. */
export interface FastifyRequestLike {
  headers: Record<string, string | string[] | undefined>;
  hostname: string;
  url: string;
  query: unknown;
}

/** What is used of Fastify's reply. */
export interface FastifyReplyLike {
  statusCode: number;
  elapsedTime?: number;
  code(status: number): { send(body: unknown): unknown };
}

/** A hook of Fastify: `onRequest`, `preHandler`, `onResponse`. */
export type FastifyHook = (
  request: FastifyRequestLike,
  reply: FastifyReplyLike,
) => Promise<unknown>;

/**
 * Finds the request's tenant, as an `onRequest` hook: `getCurrentTenant(request)`. Answers 404
 * where there is none, unless `required` is false.
 */
export function createTenantMiddleware(options: TenantOptions<FastifyRequestLike>): FastifyHook {
  const find = tenantFinder(options);
  return answering(async (request) => {
    const found = await find(asked(request));
    if (found !== null) setCurrentTenant(request, found);
  });
}

/** Answers 403 unless the tenant is active. */
export function requireActive(): FastifyHook {
  return guarding(activeGuard());
}

/** Answers 403 unless the tenant has this plan or one above it, or one of a list. */
export function requirePlan(plan: string | readonly string[]): FastifyHook {
  return guarding(planGuard(plan));
}

/** Answers 429 when the tenant's quota is used up. */
export function enforceQuota(options: QuotaOptions): FastifyHook {
  return guarding(quotaGuard(options));
}

/** The same as `enforceQuota`. */
export const createQuotaMiddleware = enforceQuota;

/** Tracks every response, as an `onResponse` hook; nobody waits for that. */
export function trackUsage(
  tracker: Tracker,
  options: TrackingOptions<FastifyRequestLike> = {},
): FastifyHook {
  const track = responseTracker(tracker, options);
  return async (request, reply) => {
    const { statusCode, elapsedTime = 0 } = reply;
    const tenant = tenantOrNull(request);
    const latencyMs = Math.max(0, elapsedTime);
    void track({ raw: request, tenant, path: pathOf(request), statusCode, latencyMs });
  };
}

/** For `setErrorHandler`: answers what handlers throw of `checkQuotas` and its like. */
export function tenantErrors(error: unknown, _request: unknown, reply: FastifyReplyLike): unknown {
  if (!(error instanceof TenancyError)) throw error;
  return refuse(reply, error);
}

function guarding(guard: Guard): FastifyHook {
  return answering(async (request) => guard(getCurrentTenant(request)));
}

/** A refusal is answered here, any other error is Fastify's. */
function answering(run: (request: FastifyRequestLike) => Promise<void>): FastifyHook {
  return async (request, reply) => {
    try {
      await run(request);
      return undefined;
    } catch (error) {
      if (error instanceof TenancyError) return refuse(reply, error);
      throw error;
    }
  };
}

function refuse(reply: FastifyReplyLike, error: TenancyError): unknown {
  reply.code(error.statusCode).send(error.toJSON());
  return reply; // tells Fastify that it is answered
}

function pathOf(request: FastifyRequestLike): string {
  return request.url.split("?", 1)[0]!;
}

function asked(request: FastifyRequestLike): TenantRequest<FastifyRequestLike> {
  return {
    host: request.hostname,
    path: pathOf(request),
    header: (name) => firstText(request.headers[name.toLowerCase()]),
    query: (name) => firstText((request.query as Record<string, unknown> | undefined)?.[name]),
    raw: request,
  };
}
