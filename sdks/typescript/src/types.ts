/** Everything the API takes and answers. Moments are ISO 8601 texts in UTC. */

export * from "./types/alerts.js";
export * from "./types/billing.js";
export * from "./types/dataplane.js";
export * from "./types/enums.js";
export * from "./types/health.js";
export * from "./types/isolation.js";
export * from "./types/paging.js";
export * from "./types/ratelimit.js";
export * from "./types/tenants.js";
export * from "./types/usage.js";
export * from "./types/webhooks.js";
