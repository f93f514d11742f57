/** A tenant, its key, its row on the dashboard. */

import type { HealthStatus, IsolationLevel, TenantPlan, TenantStatus } from "./enums.js";
import type { Idempotent, Page, PageParams } from "./paging.js";
import type { IsolationMigration } from "./isolation.js";

/** A tenant as every answer shows it. */
export interface Tenant {
  id: string;
  name: string;
  ownerEmail: string;
  plan: TenantPlan;
  status: TenantStatus;
  region: string;
  isolationLevel: IsolationLevel;
  /** The key's first 16 characters, for display. */
  apiKeyPrefix: string;
  /** The tenant's last authenticated call, up to a minute late. */
  lastActiveAt: string | null;
  createdAt: string;
}

/** A new tenant with its key, and the migration to the level it is to have. */
export interface CreatedTenant {
  tenant: Tenant;
  apiKey: string;
  /** Only for a tenant that is to have a database of its own. */
  migration?: IsolationMigration;
}

/** A tenant with its new key: the only time the key is shown. */
export interface TenantWithKey {
  tenant: Tenant;
  apiKey: string;
}

/** A page of tenants, the newest first. */
export type TenantPage = Page<Tenant>;

/** One tenant with usage of this month, health and money. A limit of null means any amount. */
export interface DashboardTenant {
  id: string;
  name: string;
  ownerEmail: string;
  plan: TenantPlan;
  status: TenantStatus;
  region: string;
  isolationLevel: IsolationLevel;
  apiCalls: number;
  storageGb: number;
  seats: number;
  compute: number;
  apiCallLimit: number | null;
  storageGbLimit: number | null;
  seatsLimit: number | null;
  computeLimit: number | null;
  /** Percent; null while nothing is known. */
  errorRate: number | null;
  /** Per minute; null while nothing is known. */
  requestRate: number | null;
  slaRisk: boolean;
  /** The throttle, in requests per minute. */
  rateLimit: number | null;
  healthStatus: HealthStatus;
  mrrCents: number;
  usageCostCents: number;
}

/** What `tenants.create` takes. */
export interface CreateTenantParams extends Idempotent {
  name: string;
  /** Unique in the workspace, whatever its case. */
  ownerEmail: string;
  plan?: TenantPlan;
  region?: string;
  /**
   * With `dedicated_database` the tenant is born with a schema of its own, works at once, and
   * moves to its database; the answer has the migration.
   */
  isolationLevel?: IsolationLevel;
}

/** What `tenants.update` takes: only labels. */
export interface UpdateTenantParams {
  name?: string;
  region?: string;
}

/** Which tenants `tenants.list` answers. */
export interface ListTenantsParams extends PageParams {
  /** Only the tenant with this address, whatever its case. */
  ownerEmail?: string;
  plan?: TenantPlan;
  status?: TenantStatus;
}

/** What `tenants.rotateApiKey` takes. */
export interface RotateApiKeyParams extends Idempotent {
  /** Seconds that the key before goes on working, at most 604800; 0 ends every older key now. */
  gracePeriodSeconds?: number;
}

/** What `tenants.export` takes. */
export interface ExportParams {
  /** `json` if absent. */
  format?: "json" | "csv" | "zip";
}

/** What `tenants.export` answers, by its format. */
export type ExportedTenant = Record<string, unknown> | string | Uint8Array;
