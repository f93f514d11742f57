/** Calls a minute. */

import type { Idempotent } from "./paging.js";

/** Whether the call may go on. All numbers are null where nothing limits it. */
export interface Allowance {
  /** Then the cost was taken. */
  allowed: boolean;
  /** Calls a minute. */
  limit: number | null;
  /** Null too while nobody can count; then all is allowed. */
  remaining: number | null;
  /** Until there is more room. */
  resetSeconds: number | null;
  /** Seconds, of a call that was refused; null for one that will never have room. */
  retryAfter: number | null;
}

/** What `ratelimit.check` takes. */
export interface CheckParams extends Idempotent {
  /** Whose throttle; an admin key's own limit without it. Admin keys only. */
  tenantId?: string;
  cost?: number;
}
