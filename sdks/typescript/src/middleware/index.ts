/** `@tenlyr/sdk/middleware`: what the middleware of every framework is made of. */

export * from "./errors.js";
export * from "./guards.js";
export * from "./resolving.js";
export * from "./tenants.js";
export * from "./tracking.js";
