/** How tenants are. */

import type { HealthStatus } from "./enums.js";

/** How a tenant is, by the events of its last minutes. */
export interface TenantHealth {
  tenantId: string;
  tenantName: string;
  /**
   * critical above 10 % of errors, warning from 3 %, healthy below; unknown while no event says
   * whether it failed.
   */
  status: HealthStatus;
  /** Percent with one decimal; null while nothing is known. */
  errorRate: number | null;
  /** Requests a minute; null while nothing is known. */
  requestRate: number | null;
  /** Null without latencies. */
  p50Ms: number | null;
  /** Null without latencies. */
  p95Ms: number | null;
  /** In warning and critical. */
  slaRisk: boolean;
  /** Its load is out of the usual, and felt by others. */
  noisyNeighbour: boolean;
  /** The throttle, in requests a minute. */
  rateLimit: number | null;
  /** The last scan. */
  checkedAt: string | null;
  /** When the status began. */
  since: string | null;
}

/** The workspace's tenants by status. */
export interface HealthOverview {
  total: number;
  healthy: number;
  warning: number;
  critical: number;
  unknown: number;
  /** Percent, over the tenants with data. */
  avgErrorRate: number;
}
