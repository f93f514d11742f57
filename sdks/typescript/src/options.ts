/** How a client is set up. */

/** What the SDK gives to `fetchFn`. */
export interface FetchInit {
  method: string;
  headers: Record<string, string>;
  body?: string;
  redirect: "manual";
  // An AbortSignal. Not named, so that these types need neither the DOM's nor Node's.
  signal: any;
}

/** What the SDK reads of `fetchFn`'s answer. */
export interface FetchResponse {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  text(): Promise<string>;
  arrayBuffer(): Promise<ArrayBuffer>;
}

/** A `fetch`: the runtime's own, or another of the same shape. */
export type FetchFn = (url: string, init: FetchInit) => Promise<FetchResponse>;

/** A try that begins. `attempt` counts from 1. */
export interface RequestInfo {
  method: string;
  url: string;
  attempt: number;
}

/** A whole answer, whatever its status. */
export interface ResponseInfo extends RequestInfo {
  status: number;
  durationMs: number;
  requestId: string | null;
}

/** A wait before the next try. `reason` is the status, such as `503`, or `network`. */
export interface RetryInfo extends RequestInfo {
  waitMs: number;
  reason: string;
}

/** For logs and metrics; none of them sees a key or a body. What one throws ends the call. */
export interface Hooks {
  onRequest?: ((info: RequestInfo) => void) | undefined;
  onResponse?: ((info: ResponseInfo) => void) | undefined;
  onRetry?: ((info: RetryInfo) => void) | undefined;
}

/** What `new Tenlyr` takes. */
export interface TransportOptions extends Hooks {
  /**
   * An admin key, or a tenant's own. Its form is checked before each request: a call with a key
   * that cannot be right throws `AuthenticationError` and sends nothing.
   */
  apiKey: string | undefined;
  /** `https://api.tenlyr.app` if absent; a path in it is kept. */
  baseUrl?: string | undefined;
  /** Milliseconds for each try, the body included; 10000 if absent. */
  timeout?: number | undefined;
  /** Tries after the first; 3 if absent. */
  retries?: number | undefined;
  /** Milliseconds that the first wait lasts at most, each later one twice that; 200 if absent. */
  retryDelay?: number | undefined;
  /** Instead of the runtime's `fetch`. */
  fetchFn?: FetchFn | undefined;
  /** The jitter's source, from 0 up to 1; `Math.random` if absent. */
  random?: (() => number) | undefined;
  /** How to wait so many milliseconds, for tests. */
  sleep?: ((ms: number) => Promise<void>) | undefined;
}
