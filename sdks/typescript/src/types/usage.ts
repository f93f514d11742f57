/** Usage events, totals, limits. */

import type { UsageMetric, UsageMode } from "./enums.js";

/** A usage event. */
export interface UsageEvent {
  id: string;
  tenantId: string;
  metric: UsageMetric;
  /** Whole for all metrics but storage_gb. */
  value: number;
  endpoint: string | null;
  timestamp: string;
  mode?: UsageMode;
  statusCode?: number;
  /** There with statusCode; false from 500 on. */
  billable?: boolean;
  success?: boolean;
  latencyMs?: number;
}

/** An event to be counted. */
export interface TrackEvent {
  metric: UsageMetric;
  /** Whole and at least 1; storage_gb: above 0, with 6 decimals at most. With mode set also 0. */
  value: number;
  endpoint?: string | null;
  /** From 500 on the event is stored, but not billable. */
  statusCode?: number | null;
  success?: boolean | null;
  latencyMs?: number | null;
  /** In the last 35 days, at most 5 minutes ahead; now if absent. */
  timestamp?: string | null;
  /**
   * A UUID is kept, anything else becomes a UUIDv5. A second event with the same id is answered
   * with the first and counts nothing.
   */
  id?: string | null;
  /** How a gauge (storage_gb, seats) changes; others only increment. */
  mode?: UsageMode | null;
}

/** Use in the present period; storage and seats as they stand. */
export interface TenantUsageMetric {
  tenantId: string;
  apiCalls: number;
  storageGb: number;
  seats: number;
  compute: number;
  /** The calendar month in UTC, `yyyy-mm`. */
  period: string;
}

/** One metric against its limit. */
export interface Standing {
  used: number;
  limit: number | null;
  remaining: number | null;
  percentage: number | null;
  /** At the period's end, if use goes on as it did. */
  projected: number;
  exhaustsAt: string | null;
}

/** One metric in one hour, day or month. */
export interface Rollup {
  start: string;
  metric: UsageMetric;
  count: number;
  errors: number;
  /** The billable change. */
  value: number;
}

/** The last 48 hours, 35 days and 13 months; those without events are left out. */
export interface Rollups {
  hourly: Rollup[];
  daily: Rollup[];
  monthly: Rollup[];
}

/** Use against limits, where it leads, and what it was made of. */
export interface UsageSummary {
  tenantId: string;
  periodStart: string;
  periodEnd: string;
  /** By metric. */
  metrics: Record<UsageMetric, Standing>;
  rollups: Rollups;
}

/** What became of one event of a batch. */
export interface BatchResult {
  index: number;
  /** 201, or what the event alone had been answered. */
  status: number;
  /** With 201. */
  id?: string;
  code?: string;
  message?: string;
}

/** What became of a batch; results in the order of the events. */
export interface Batch {
  accepted: number;
  /** By a limit, the throttle, or an outage. */
  refused: number;
  /** Answered with the first event of their id. */
  duplicates: number;
  invalid: number;
  results: BatchResult[];
}

/** What `usage.track` takes. */
export interface TrackParams extends TrackEvent {
  /** The tenant's own key: whose usage it is. */
  tenantKey: string;
}
