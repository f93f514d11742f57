/** Whether a webhook is Tenlyr's own, recent and unchanged. */

import { equalInConstantTime, hmacSha256 } from "./crypto.js";
import { WebhookVerificationError } from "./errors.js";
import type { WebhookEvent } from "./types.js";

/** A request's headers: a plain object, as Node has, or anything with `get`, as `fetch` has. */
export type WebhookHeaders =
  | { get(name: string): string | null | undefined }
  | { readonly [name: string]: string | readonly string[] | undefined };

/** How a webhook is verified. */
export interface VerifyOptions {
  /** Seconds that a webhook may be old, or ahead; 300 if absent. */
  toleranceS?: number;
  /** Seconds since 1970 to judge the age by, for tests; the present if absent. */
  now?: number;
}

/** What was signed when, and the signatures. */
interface Signed {
  time: string;
  key: Uint8Array;
  prefix: string;
  encode: (digest: Uint8Array) => string;
  signatures: string[];
}

const SECRET_PREFIX = "whsec_";
const text = new TextEncoder();

/**
 * The event of a webhook, parsed, when it is genuine. `payload` is the body as it came, before
 * anything parsed it; `header` is the value of `Tenlyr-Signature`, or all headers, in which the
 * Standard Webhooks trio does as well. Throws `WebhookVerificationError`.
 */
export async function verifyWebhook(
  payload: string | Uint8Array,
  header: string | WebhookHeaders,
  secret: string,
  options: VerifyOptions = {},
): Promise<WebhookEvent> {
  const signed = signedOf(header, secret);
  checkAge(signed.time, options);
  const body = typeof payload === "string" ? text.encode(payload) : payload;
  const digest = await hmacSha256(signed.key, joined(text.encode(signed.prefix), body));
  const wanted = signed.encode(digest);
  // All are compared, so that the time does not tell which one fits.
  const fits = signed.signatures.map((one) => equalInConstantTime(wanted, one));
  if (!fits.includes(true)) throw refused("signature", "No signature of this webhook fits.");
  return eventOf(body);
}

function signedOf(header: string | WebhookHeaders, secret: string): Signed {
  if (typeof header === "string") return ours(header, secret);
  const own = valueOf(header, "Tenlyr-Signature");
  return own === undefined ? standard(header, secret) : ours(own, secret);
}

function ours(header: string, secret: string): Signed {
  const parts = header.split(",").map((part) => part.trim().split(/=(.*)/s));
  const named = (name: string) => parts.filter((part) => part[0] === name).map((part) => part[1]!);
  const times = named("t");
  const signatures = named("v1");
  if (times.length !== 1 || !isTime(times[0]!) || signatures.length === 0) {
    throw refused("malformed", "Tenlyr-Signature must be t=<seconds>,v1=<hex>.");
  }
  const time = times[0]!;
  return { time, key: text.encode(secret), prefix: `${time}.`, encode: hex, signatures };
}

function standard(headers: WebhookHeaders, secret: string): Signed {
  const id = valueOf(headers, "webhook-id");
  const time = valueOf(headers, "webhook-timestamp");
  const all = valueOf(headers, "webhook-signature");
  if (id === undefined || time === undefined || all === undefined) {
    throw refused("missing", "The webhook has no signature.");
  }
  const signatures = all.split(" ").filter((one) => one.startsWith("v1,"));
  if (!isTime(time) || signatures.length === 0) {
    throw refused("malformed", "webhook-signature must be v1,<base64>.");
  }
  return {
    time,
    key: decodedSecret(secret),
    prefix: `${id}.${time}.`,
    encode: base64,
    signatures: signatures.map((one) => one.slice("v1,".length)),
  };
}

function checkAge(time: string, options: VerifyOptions): void {
  const { toleranceS = 300, now = Date.now() / 1000 } = options;
  const age = Math.floor(now) - Number(time);
  if (age > toleranceS) throw refused("too_old", `The webhook is ${age} seconds old.`);
  if (-age > toleranceS) throw refused("too_new", `The webhook is ${-age} seconds ahead.`);
}

function eventOf(body: Uint8Array): WebhookEvent {
  try {
    return JSON.parse(new TextDecoder().decode(body)) as WebhookEvent;
  } catch {
    throw refused("malformed", "The webhook's body is no JSON.");
  }
}

function isTime(value: string): boolean {
  return /^\d{1,12}$/.test(value);
}

/** A header's value; names are alike whatever their case. A repeated one's values are joined. */
function valueOf(headers: WebhookHeaders, name: string): string | undefined {
  if (typeof headers.get === "function") return headers.get(name) ?? undefined;
  const wanted = name.toLowerCase();
  for (const [given, value] of Object.entries(headers)) {
    if (given.toLowerCase() === wanted && value !== undefined) return String(value);
  }
  return undefined;
}

function decodedSecret(secret: string): Uint8Array {
  const encoded = secret.startsWith(SECRET_PREFIX) ? secret.slice(SECRET_PREFIX.length) : secret;
  try {
    return Uint8Array.from(atob(encoded), (letter) => letter.charCodeAt(0));
  } catch {
    throw refused("signature", "The secret is no base64, so that no signature can fit.");
  }
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array {
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

function refused(
  reason: ConstructorParameters<typeof WebhookVerificationError>[0],
  message: string,
): WebhookVerificationError {
  return new WebhookVerificationError(reason, message);
}
