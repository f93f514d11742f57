/** One request and its tries: keys, headers, waits, time-outs, errors. */

import { uuid } from "./crypto.js";
import { errorOf, TenlyrError, TenlyrNetworkError, TenlyrTimeoutError } from "./errors.js";
import { checkedKey } from "./keys.js";
import type { FetchFn, FetchInit, FetchResponse, Hooks, TransportOptions } from "./options.js";

const BASE_URL = "https://api.tenlyr.app";
const USER_AGENT = "tenlyr-sdk/1.0.0";
const LONGEST_BACK_OFF_MS = 30_000;
// What setTimeout can count to.
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;
const LONGEST_RETRY_AFTER_MS = 60_000;
// A blank at either end would be lost on the way.
const IDEMPOTENCY_KEY = /^[!-~]([ -~]{0,253}[!-~])?$/;

/** What a method asks for. Names whose value is undefined are left out. */
export interface Call {
  method: "GET" | "POST" | "PATCH" | "DELETE";
  path: string;
  query?: object | undefined;
  body?: unknown;
  /** Instead of the client's key. */
  key?: string | undefined;
  idempotencyKey?: string | undefined;
  /** Whether the answer is a file: JSON, text or bytes, as its Content-Type says. */
  isFile?: boolean;
}

/** What came back: a status of 2xx. */
export interface Answer<T> {
  body: T;
  /** `X-Next-Cursor`; null on the last page. */
  nextCursor: string | null;
}

interface Prepared {
  method: string;
  url: string;
  headers: Record<string, string>;
  body: string | undefined;
  isFile: boolean;
}

/** A try that failed. `retryAfterMs` is what the server asked for, null where it did not. */
class Failure {
  constructor(
    readonly error: TenlyrError,
    readonly mayTryAgain: boolean,
    readonly reason: string,
    readonly retryAfterMs: number | null = null,
  ) {}
}

/** Whether a text may be an idempotency key. */
export function isIdempotencyKey(key: string): boolean {
  return IDEMPOTENCY_KEY.test(key);
}

/** Sends what the resources ask for. */
export class Transport {
  readonly #apiKey: string | undefined;
  readonly #baseUrl: string;
  readonly #timeout: number;
  readonly #retries: number;
  readonly #retryDelay: number;
  readonly #fetch: FetchFn;
  readonly #hooks: Hooks;
  readonly #random: () => number;
  /** Waits so many milliseconds. */
  readonly sleep: (ms: number) => Promise<void>;

  constructor(options: TransportOptions) {
    this.#apiKey = options.apiKey;
    this.#baseUrl = checkedUrl(options.baseUrl ?? BASE_URL);
    this.#timeout = Math.min(options.timeout ?? 10_000, LONGEST_TIMEOUT_MS);
    this.#retries = options.retries ?? 3;
    this.#retryDelay = options.retryDelay ?? 200;
    this.#fetch = options.fetchFn ?? ((url, init) => fetch(url, init));
    this.#hooks = options;
    this.#random = options.random ?? Math.random;
    this.sleep = options.sleep ?? ((ms) => new Promise((wake) => setTimeout(wake, ms)));
  }

  /** The body of the answer to a call; throws a `TenlyrError`. */
  async call<T>(call: Call): Promise<T> {
    return (await this.answer<T>(call)).body;
  }

  /** The answer to a call, tried again where that is safe and may help. */
  async answer<T>(call: Call): Promise<Answer<T>> {
    const prepared = this.#prepare(call);
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await this.#attempt<T>(prepared, attempt);
      if (!(outcome instanceof Failure)) return outcome;
      const waitMs = this.#wait(outcome, attempt);
      if (waitMs === null) throw outcome.error;
      const { method, url } = prepared;
      this.#hooks.onRetry?.({ method, url, attempt, waitMs, reason: outcome.reason });
      await this.sleep(waitMs);
    }
  }

  #prepare(call: Call): Prepared {
    const headers: Record<string, string> = {
      Authorization: `Bearer ${checkedKey(call.key ?? this.#apiKey)}`,
      "User-Agent": USER_AGENT,
      Accept: call.isFile ? "*/*" : "application/json",
    };
    if (call.body !== undefined) headers["Content-Type"] = "application/json";
    if (call.method === "POST") {
      headers["Idempotency-Key"] = checkedIdempotencyKey(call.idempotencyKey ?? uuid());
    }
    return {
      method: call.method,
      url: this.#baseUrl + call.path + queryOf(call.query),
      headers,
      body: call.body === undefined ? undefined : JSON.stringify(call.body),
      isFile: call.isFile ?? false,
    };
  }

  async #attempt<T>(prepared: Prepared, attempt: number): Promise<Answer<T> | Failure> {
    const { method, url } = prepared;
    this.#hooks.onRequest?.({ method, url, attempt });
    const begun = Date.now();
    let response: FetchResponse;
    let body: string | Uint8Array;
    try {
      [response, body] = await this.#exchange(prepared);
    } catch (error) {
      return failureOf(error, this.#timeout);
    }
    const requestId = response.headers.get("x-request-id");
    const { status } = response;
    const durationMs = Date.now() - begun;
    this.#hooks.onResponse?.({ method, url, attempt, status, durationMs, requestId });
    return judged<T>(response, body, requestId);
  }

  /** The whole answer, within the time-out: status, headers and body. */
  async #exchange(prepared: Prepared): Promise<Whole> {
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    // An injected fetch may not heed the signal: the time-out does not depend on it.
    const timeUp = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new TimeUp());
        abort.abort();
      }, this.#timeout);
    });
    try {
      return await Promise.race([this.#whole(prepared, abort.signal), timeUp]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #whole(prepared: Prepared, signal: AbortSignal): Promise<Whole> {
    const { url, method, headers, body, isFile } = prepared;
    const init: FetchInit = { method, headers, signal, redirect: "manual" };
    if (body !== undefined) init.body = body;
    const response = await this.#fetch(url, init);
    if (!isFile || isText(response)) return [response, await response.text()];
    return [response, new Uint8Array(await response.arrayBuffer())];
  }

  /** Milliseconds until the next try; null when there is none. */
  #wait(failure: Failure, attempt: number): number | null {
    if (!failure.mayTryAgain || attempt > this.#retries) return null;
    if (failure.retryAfterMs !== null) {
      return failure.retryAfterMs <= LONGEST_RETRY_AFTER_MS ? failure.retryAfterMs : null;
    }
    const most = Math.min(this.#retryDelay * 2 ** (attempt - 1), LONGEST_BACK_OFF_MS);
    return this.#random() * most;
  }
}

type Whole = [FetchResponse, string | Uint8Array];

class TimeUp extends Error {}

function failureOf(error: unknown, timeout: number): Failure {
  if (error instanceof TimeUp) {
    const late = new TenlyrTimeoutError(`No whole answer within ${timeout} ms.`);
    return new Failure(late, false, "timeout");
  }
  const message = `No whole answer: ${reasonOf(error)}.`;
  return new Failure(new TenlyrNetworkError(message, { cause: error }), true, "network");
}

/** What a runtime's fetch hides behind "fetch failed". */
function reasonOf(error: unknown): string {
  const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = (inner as { code?: unknown } | null)?.code;
  if (typeof code === "string") return code;
  return inner instanceof Error ? inner.message : String(inner);
}

function judged<T>(
  response: FetchResponse,
  raw: string | Uint8Array,
  requestId: string | null,
): Answer<T> | Failure {
  const { status } = response;
  if (status >= 200 && status < 300) {
    const nextCursor = response.headers.get("x-next-cursor") || null;
    if (typeof raw !== "string" || isCsv(response)) return { body: raw as T, nextCursor };
    if (status === 204) return { body: undefined as T, nextCursor };
    const body = parsed(raw);
    if (body !== NOT_JSON) return { body: body as T, nextCursor };
    const details = { statusCode: status, code: "invalid_response", body: raw, requestId };
    return new Failure(new TenlyrError("The answer is no JSON.", details), false, "no JSON");
  }
  const body = typeof raw === "string" ? parsed(raw) : NOT_JSON;
  const waitMs = retryAfterOf(response.headers.get("retry-after"));
  const seconds = waitMs === null ? null : Math.ceil(waitMs / 1000);
  const error = errorOf(status, body === NOT_JSON ? raw : body, requestId, seconds);
  const mayTryAgain = status === 429 || (status >= 500 && status !== 501);
  return new Failure(error, mayTryAgain, String(status), waitMs);
}

/** The files that are no text are archives. */
function isText(response: FetchResponse): boolean {
  return !/^application\/(zip|octet-stream)/.test(response.headers.get("content-type") ?? "");
}

function isCsv(response: FetchResponse): boolean {
  return (response.headers.get("content-type") ?? "").startsWith("text/csv");
}

const NOT_JSON = Symbol("not JSON");

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return NOT_JSON; // the caller says what that means for its answer
  }
}

/** The milliseconds that `Retry-After` asks for, in seconds or as a date; null without sense. */
function retryAfterOf(value: string | null): number | null {
  const text = value?.trim() ?? "";
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  // A date is the only other form; Date.parse alone would take "1.5" for a month.
  const at = /^[A-Za-z]{3,9}, /.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(at) ? null : Math.max(0, at - Date.now());
}

function checkedUrl(baseUrl: string): string {
  const url = new URL(baseUrl);
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    throw new TypeError(`baseUrl must be an http or https address, not ${url.protocol}`);
  }
  return baseUrl.replace(/\/+$/, "");
}

function checkedIdempotencyKey(key: string): string {
  if (isIdempotencyKey(key)) return key;
  const rule = "An idempotency key is 1 to 255 printable ASCII characters; nothing was sent.";
  throw new TenlyrError(rule, {
    statusCode: 400,
    code: "invalid_idempotency_key",
  });
}

function queryOf(query: object | undefined): string {
  const found = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined && value !== null) found.append(name, String(value));
  }
  const text = found.toString();
  return text === "" ? "" : `?${text}`;
}
