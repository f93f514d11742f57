/** What a request can be refused with before its handler runs, each with its answer. */

import { TenlyrError } from "../errors.js";

/** The body of a refusal, in the API's own shape. */
export interface RefusalBody {
  message: string;
  error: string;
  statusCode: number;
  code: string;
  [more: string]: unknown;
}

/** The base of the refusals: an HTTP status and a body. */
export abstract class TenancyError extends TenlyrError {
  declare readonly statusCode: number;
  declare readonly body: RefusalBody;

  constructor(statusCode: number, error: string, code: string, message: string, more: object = {}) {
    super(message, { statusCode, code, body: { message, error, statusCode, code, ...more } });
  }

  /** The answer's body. */
  toJSON(): RefusalBody {
    return this.body;
  }
}

/** 404: the request names no tenant, or one that there is not. */
export class TenantNotFoundError extends TenancyError {
  constructor(message = "Tenant not found.") {
    super(404, "Not Found", "tenant_not_found", message);
  }
}

/** 403: the tenant is suspended. */
export class TenantSuspendedError extends TenancyError {
  constructor(message = "The tenant is suspended.") {
    super(403, "Forbidden", "tenant_suspended", message);
  }
}

/** 403: the tenant is not active yet, or not any more. */
export class TenantInactiveError extends TenancyError {
  constructor(message = "The tenant is not active.") {
    super(403, "Forbidden", "tenant_inactive", message);
  }
}

/** 403: the tenant's plan does not have what was asked for. */
export class PlanRequiredError extends TenancyError {
  constructor(message = "The tenant's plan does not include this.") {
    super(403, "Forbidden", "plan_required", message);
  }
}

/** 429: a quota of the tenant is used up. */
export class QuotaExceededError extends TenancyError {
  /** Which quota. */
  readonly quota: string;
  /** How much of it there is. */
  readonly limit: number;
  /** How much of it is used. */
  readonly current: number;

  constructor(quota: string, limit: number, current: number) {
    const said = "Plan limit reached";
    super(429, said, "quota_exceeded", said, { quota, limit, current });
    this.quota = quota;
    this.limit = limit;
    this.current = current;
  }
}
