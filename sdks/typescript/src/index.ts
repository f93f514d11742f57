/** `@tenlyr/sdk`: a client of the Tenlyr API. */

export { UsageBuffer, type BufferOptions } from "./buffer.js";
export { Tenlyr, type TenlyrOptions } from "./client.js";
export {
  AuthenticationError,
  ConflictError,
  InvalidRequestError,
  MigrationFailedError,
  NotFoundError,
  PermissionError,
  PlanLimitExceededError,
  RateLimitError,
  TenlyrError,
  TenlyrNetworkError,
  TenlyrNotImplementedError,
  TenlyrTimeoutError,
  WebhookVerificationError,
  type ErrorDetails,
  type FieldError,
  type WebhookRefusal,
} from "./errors.js";
export { isWellFormedKey } from "./keys.js";
export type {
  FetchFn,
  FetchInit,
  FetchResponse,
  Hooks,
  RequestInfo,
  ResponseInfo,
  RetryInfo,
} from "./options.js";
export * from "./types.js";
export { verifyWebhook, type VerifyOptions, type WebhookHeaders } from "./webhooks.js";
