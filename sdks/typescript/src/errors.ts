/** Every error that a call can end with. */

import type { IsolationMigration } from "./types.js";

/** What is known of an answer that was an error. */
export interface ErrorDetails {
  statusCode?: number | null;
  code?: string | null;
  body?: unknown;
  requestId?: string | null;
  cause?: unknown;
}

/** One wrong field of a request. */
export interface FieldError {
  field: string;
  code: string;
  message: string;
}

const KEY = /tenlyr_(live|test)_\w+/g;

/**
 * The base of all errors here, and the one of every status that has no class of its own.
 * Its message never holds a key.
 */
export class TenlyrError extends Error {
  /** The answer's HTTP status; null where there was none. */
  readonly statusCode: number | null;
  /** What went wrong, for machines, such as `not_found`; null where nobody said. */
  readonly code: string | null;
  /** The answer's body: parsed where it was JSON, else text; undefined where there was none. */
  readonly body: unknown;
  /** The server's name of the request (`X-Request-Id`); null where it gave none. */
  readonly requestId: string | null;

  constructor(message: string, details: ErrorDetails = {}) {
    super(
      message.replace(KEY, "tenlyr_$1_…"),
      details.cause === undefined ? undefined : { cause: details.cause },
    );
    this.name = new.target.name;
    this.statusCode = details.statusCode ?? null;
    this.code = details.code ?? null;
    this.body = details.body;
    this.requestId = details.requestId ?? null;
  }
}

/** 401: the key is missing, malformed or revoked, or its tenant is suspended. */
export class AuthenticationError extends TenlyrError {}

/** 403: the key is valid, but its scope does not cover the call. */
export class PermissionError extends TenlyrError {}

/** 404: no such tenant, migration, alert or whatever was asked for. */
export class NotFoundError extends TenlyrError {}

/** 409: something like it is there already, most often a tenant with the same `ownerEmail`. */
export class ConflictError extends TenlyrError {}

/** 422: fields are missing, wrong or unknown. */
export class InvalidRequestError extends TenlyrError {
  /** Each wrong field. */
  readonly errors: FieldError[];

  constructor(message: string, details: ErrorDetails = {}) {
    super(message, details);
    const errors = field(details.body, "errors");
    this.errors = Array.isArray(errors) ? (errors as FieldError[]) : [];
  }
}

/** 429: too many calls; thrown when the tries are used up or the wait would be too long. */
export class RateLimitError extends TenlyrError {
  /** Seconds after which another call may go through; null where the server did not say. */
  readonly retryAfter: number | null;

  constructor(message: string, details: ErrorDetails & { retryAfter?: number | null } = {}) {
    super(message, details);
    this.retryAfter = details.retryAfter ?? null;
  }
}

/** 400 `plan_limit_exceeded`: a limit of the tenant's plan is reached. Never tried again. */
export class PlanLimitExceededError extends TenlyrError {
  /** Which metric's limit, such as `api_call`; null where the server did not say. */
  readonly metric: string | null;
  /** The limit, in the metric's unit. */
  readonly limit: number | null;
  /** What is used of it. */
  readonly current: number | null;
  /** When counting begins anew, ISO 8601; null for what never does. */
  readonly resetAt: string | null;

  constructor(message: string, details: ErrorDetails = {}) {
    super(message, details);
    this.metric = text(field(details.body, "metric"));
    this.limit = number(field(details.body, "limit"));
    this.current = number(field(details.body, "current"));
    this.resetAt = text(field(details.body, "resetAt"));
  }
}

/** 501: this server has no such feature, or not yet. Never tried again. */
export class TenlyrNotImplementedError extends TenlyrError {}

/** The time-out passed before the answer was whole. Never tried again: it may have been done. */
export class TenlyrTimeoutError extends TenlyrError {}

/** No whole answer came: refused, reset, name not found, cut off. Thrown after the last try. */
export class TenlyrNetworkError extends TenlyrError {}

/** `isolation.waitForMigration`: the move failed or was rolled back. */
export class MigrationFailedError extends TenlyrError {
  /** How the move stands; its `error` says why. */
  readonly migration: IsolationMigration;

  constructor(message: string, migration: IsolationMigration) {
    super(message, { code: "migration_failed" });
    this.migration = migration;
  }
}

/** Why a webhook was refused. */
export type WebhookRefusal = "missing" | "malformed" | "too_old" | "too_new" | "signature";

/** A webhook that is not Tenlyr's, is too old or too new, or was changed on its way. */
export class WebhookVerificationError extends TenlyrError {
  readonly reason: WebhookRefusal;

  constructor(reason: WebhookRefusal, message: string) {
    super(message, { code: reason });
    this.reason = reason;
  }
}

/** The error of an answer, by its status and its body's code. */
export function errorOf(
  status: number,
  body: unknown,
  requestId: string | null,
  retryAfter: number | null,
): TenlyrError {
  const code = text(field(body, "code"));
  const message = text(field(body, "message")) ?? `The server answered ${status}.`;
  const details = { statusCode: status, code, body, requestId };
  if (status === 400 && code === "plan_limit_exceeded") {
    return new PlanLimitExceededError(message, details);
  }
  if (status === 429) return new RateLimitError(message, { ...details, retryAfter });
  const Class = BY_STATUS.get(status) ?? TenlyrError;
  return new Class(message, details);
}

const BY_STATUS = new Map<number, new (message: string, details: ErrorDetails) => TenlyrError>([
  [401, AuthenticationError],
  [403, PermissionError],
  [404, NotFoundError],
  [409, ConflictError],
  [422, InvalidRequestError],
  [501, TenlyrNotImplementedError],
]);

function field(body: unknown, name: string): unknown {
  return typeof body === "object" && body !== null
    ? (body as Record<string, unknown>)[name]
    : undefined;
}

function text(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

function number(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}
