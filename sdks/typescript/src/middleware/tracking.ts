/** Every response as a usage event, without anybody waiting for it. */

import type { UsageBuffer } from "../buffer.js";
import type { Tenlyr } from "../client.js";
import type { TrackParams, UsageMetric } from "../types.js";
import type { CurrentTenant } from "./tenants.js";

/** What events go to: a client, one by one, or its buffer, in batches. */
export type Tracker = Tenlyr | UsageBuffer;

/** How responses are tracked. */
export interface TrackingOptions<Raw = unknown> {
  /** `api_call` if absent. */
  metric?: UsageMetric;
  /** What is told as the endpoint; the path if absent, cut at 255 characters. */
  endpoint?: (raw: Raw) => string;
  /** The tenant's own key; that of the lookup if absent. Without a key nothing is tracked. */
  tenantKey?: (raw: Raw, tenant: CurrentTenant | null) => string | undefined;
  /** Told what could not be tracked; `console.error` if absent. */
  onError?: (error: unknown) => void;
}

/** A response that is on its way to its receiver. */
export interface Finished<Raw> {
  raw: Raw;
  tenant: CurrentTenant | null;
  path: string;
  statusCode: number;
  latencyMs: number;
}

const LONGEST_ENDPOINT = 255;

/**
 * Tracks a response: each one, with its status, since only who sees failures can tell how a tenant
 * is; what failed with 500 or above is not billed. The promise never fails.
 */
export function responseTracker<Raw>(
  tracker: Tracker,
  options: TrackingOptions<Raw> = {},
): (finished: Finished<Raw>) => Promise<void> {
  const track = (event: TrackParams): Promise<unknown> =>
    "usage" in tracker ? tracker.usage.track(event) : tracker.track(event);
  const { metric = "api_call", onError = console.error } = options;
  return async ({ raw, tenant, path, statusCode, latencyMs }) => {
    try {
      const tenantKey = options.tenantKey?.(raw, tenant) ?? tenant?.apiKey;
      if (tenantKey === undefined) return;
      const endpoint = (options.endpoint?.(raw) ?? path).slice(0, LONGEST_ENDPOINT);
      const event: TrackParams = { tenantKey, metric, value: 1, endpoint, statusCode, latencyMs };
      await track(event);
    } catch (error) {
      onError(error); // a response is never held up or changed by its being counted
    }
  };
}
