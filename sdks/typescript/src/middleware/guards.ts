/** What a tenant must be, or have left, to be let through. */

import type { Tenlyr } from "../client.js";
import { TENANT_PLANS, type UsageMetric } from "../types.js";
import {
  PlanRequiredError,
  QuotaExceededError,
  TenantInactiveError,
  TenantSuspendedError,
} from "./errors.js";
import type { CurrentTenant } from "./tenants.js";

/** Throws when the tenant is not to be let through. */
export type Guard = (tenant: CurrentTenant) => void | Promise<void>;

/** How much of a quota a tenant has used. */
export type CheckUsage = (tenantId: string, quotaKey: string) => number | Promise<number>;

/** A quota that is looked at before the handler runs. */
export interface QuotaOptions {
  /** Which: a name of your own, or with `client` a metric such as `api_call`. */
  quotaKey: string;
  /** How much this request takes; 1 if absent. */
  cost?: number;
  /** How much is used. Without it `client` is asked, with the tenant's key. */
  checkUsage?: CheckUsage;
  /**
   * How much there is, null for any amount. Without it: `metadata.quotas[quotaKey]` of the tenant
   * where `checkUsage` is given, else the plan's limit as Tenlyr has it.
   */
  limit?: number | null | ((tenant: CurrentTenant) => number | null | Promise<number | null>);
  /** A client, where there is no `checkUsage`. */
  client?: Tenlyr;
  /** Told when 80 % or more is used. */
  onWarning?: (tenant: CurrentTenant, used: number, limit: number) => void;
}

const WARNED_FROM = 0.8;

/** Lets active tenants through: else `TenantSuspendedError` or `TenantInactiveError`. */
export function activeGuard(): Guard {
  return (tenant) => {
    if (tenant.status === "suspended") throw new TenantSuspendedError();
    if (tenant.status !== "active") throw new TenantInactiveError();
  };
}

/**
 * Lets a plan through and those above it, or each plan of a list: else `PlanRequiredError`. A plan
 * that is none of Tenlyr's can only stand in a list.
 */
export function planGuard(wanted: string | readonly string[]): Guard {
  const plans: readonly string[] = TENANT_PLANS;
  if (typeof wanted === "string" && !plans.includes(wanted)) {
    throw new TypeError(`"${wanted}" is no plan of Tenlyr: give a list of plans.`);
  }
  const enough = typeof wanted === "string" ? plans.slice(plans.indexOf(wanted)) : wanted;
  return (tenant) => {
    if (!enough.includes(String(tenant.metadata.plan))) throw new PlanRequiredError();
  };
}

/** Lets a tenant through that has enough left: else `QuotaExceededError`. */
export function quotaGuard(options: QuotaOptions): Guard {
  const { quotaKey, cost = 1, onWarning } = options;
  const standing = standingOf(options);
  return async (tenant) => {
    const { used, limit } = await standing(tenant);
    if (limit === null) return;
    if (used + cost > limit) throw new QuotaExceededError(quotaKey, limit, used);
    if (used >= limit * WARNED_FROM) onWarning?.(tenant, used, limit);
  };
}

/**
 * Throws `QuotaExceededError` for the first of a tenant's quotas that is used up: as many as its
 * limit, or more.
 */
export async function checkQuotas(
  tenantId: string,
  quotas: Readonly<Record<string, number>>,
  checkUsage: CheckUsage,
): Promise<void> {
  for (const [quota, limit] of Object.entries(quotas)) {
    const used = await checkUsage(tenantId, quota);
    if (used >= limit) throw new QuotaExceededError(quota, limit, used);
  }
}

interface Standing {
  used: number;
  limit: number | null;
}

function standingOf(options: QuotaOptions): (tenant: CurrentTenant) => Promise<Standing> {
  const { quotaKey, checkUsage, client, limit } = options;
  const ownLimit = async (tenant: CurrentTenant) =>
    typeof limit === "function" ? limit(tenant) : limit;
  if (checkUsage !== undefined) {
    return async (tenant) => {
      const given = limit === undefined ? quotaOf(tenant, quotaKey) : await ownLimit(tenant);
      return { used: await checkUsage(tenant.id, quotaKey), limit: given ?? null };
    };
  }
  if (client === undefined) throw new TypeError("Give a checkUsage or a client.");
  return async (tenant) => {
    const { metrics } = await client.usage.summary(tenant.apiKey ?? "");
    const metric = metrics[quotaKey as UsageMetric];
    if (metric === undefined) throw new TypeError(`"${quotaKey}" is no metric of Tenlyr.`);
    const given = limit === undefined ? metric.limit : await ownLimit(tenant);
    return { used: metric.used, limit: given ?? null };
  };
}

function quotaOf(tenant: CurrentTenant, quotaKey: string): number | null {
  const quotas = tenant.metadata.quotas as Record<string, unknown> | undefined;
  const limit = quotas?.[quotaKey];
  return typeof limit === "number" ? limit : null;
}
