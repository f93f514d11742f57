/** `client.usage`: what tenants use. Every method acts with a tenant's own key. */

import { UsageBuffer, type BufferOptions } from "../buffer.js";
import { uuid } from "../crypto.js";
import { isIdempotencyKey } from "../transport.js";
import type {
  Batch,
  Idempotent,
  TenantUsageMetric,
  TrackEvent,
  TrackParams,
  UsageEvent,
  UsageSummary,
} from "../types.js";
import { Resource } from "./calling.js";

/** What tenants use. */
export class Usage extends Resource {
  /** The newest events, the newest first: 100, or `limit`, at most 1000. */
  async events(tenantKey: string, limit?: number): Promise<UsageEvent[]> {
    return this.api.call({
      method: "GET",
      path: "/api/v1/usage/events",
      query: { limit },
      key: tenantKey,
    });
  }

  /** Use in the present month; storage and seats as they stand. */
  async metrics(tenantKey: string): Promise<TenantUsageMetric> {
    return this.api.call({ method: "GET", path: "/api/v1/usage/metrics", key: tenantKey });
  }

  /** Use against limits, where it leads, and what it was made of. */
  async summary(tenantKey: string): Promise<UsageSummary> {
    return this.api.call({ method: "GET", path: "/api/v1/usage/summary", key: tenantKey });
  }

  /**
   * Count one event. Throws `PlanLimitExceededError` when a strict limit of the tenant's plan would
   * be passed. The event's `id`, or a UUID made here, is the idempotency key too: however often a
   * call is tried, the event counts once.
   */
  async track(params: TrackParams): Promise<UsageEvent> {
    const { tenantKey, ...event } = params;
    const id = event.id ?? uuid();
    return this.api.call({
      method: "POST",
      path: "/api/v1/usage/track",
      body: { ...event, id },
      key: tenantKey,
      // An id that no header can carry still is the event's: it alone decides what counts.
      idempotencyKey: isIdempotencyKey(id) ? id : undefined,
    });
  }

  /**
   * Count up to 10000 events of one tenant, each for itself: `results` tells what became of each,
   * and an event that was refused throws nothing.
   */
  async trackBatch(
    tenantKey: string,
    events: readonly TrackEvent[],
    params: Idempotent = {},
  ): Promise<Batch> {
    return this.api.call({
      method: "POST",
      path: "/api/v1/usage/track/batch",
      body: events,
      key: tenantKey,
      idempotencyKey: params.idempotencyKey,
    });
  }

  /**
   * A buffer that takes events at once and sends them in batches: for high volume. Close it before
   * the process ends.
   */
  buffer(options: BufferOptions = {}): UsageBuffer {
    return new UsageBuffer(this, options, this.api.sleep);
  }
}
