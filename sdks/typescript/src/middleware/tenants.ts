/** The tenant of a request: looked up, remembered for a while, told to whoever asks. */

import type { Tenlyr } from "../client.js";
import { NotFoundError } from "../errors.js";
import { TenantNotFoundError } from "./errors.js";
import { resolverOf, type ResolutionConfig, type TenantRequest } from "./resolving.js";

/** What a lookup answers. */
export interface FoundTenant {
  /** The tenant's id with Tenlyr. */
  id: string;
  /** How people name it; the id if absent. */
  slug?: string;
  /** As Tenlyr has it; `active` if absent. */
  status?: string;
  /** The tenant's own key, with which its usage is tracked. It is not shown when printed. */
  apiKey?: string;
  /** Whatever else is known; `plan` is what `requirePlan` looks at. */
  metadata?: Record<string, unknown>;
}

/** The tenant that a request is for. */
export interface CurrentTenant {
  readonly id: string;
  readonly slug: string;
  readonly status: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Not enumerable, so that no JSON and no log has it; undefined where the lookup gave none. */
  readonly apiKey: string | undefined;
}

/** How a request's tenant is found. */
export interface TenantOptions<Raw = unknown> {
  config: ResolutionConfig<Raw>;
  /** The tenant of a name; null for none. Without it `client` is asked for the tenant's id. */
  lookupTenant?: (name: string) => Promise<FoundTenant | null> | FoundTenant | null;
  /** A client with an admin key, where there is no `lookupTenant`. */
  client?: Tenlyr;
  /** Milliseconds that a found tenant is remembered; 60000 if absent, 0 for not at all. */
  cacheTtlMs?: number;
  /** Names remembered at most; 10000 if absent. */
  cacheSize?: number;
  /** Whether a request without a tenant is refused; true if absent. */
  required?: boolean;
}

// A name that nobody has is remembered for less: it may be taken any moment.
const LONGEST_UNKNOWN_MS = 5_000;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const current = new WeakMap<object, CurrentTenant>();

/** The tenant of a request or context. Throws `TenantNotFoundError` where none was resolved. */
export function getCurrentTenant(context: object): CurrentTenant {
  const tenant = current.get(context);
  if (tenant === undefined) throw new TenantNotFoundError("No tenant was resolved.");
  return tenant;
}

/** The same; null where none was resolved. */
export function tenantOrNull(context: object): CurrentTenant | null {
  return current.get(context) ?? null;
}

/** Say whose request it is. Middleware does it; tests may. */
export function setCurrentTenant(context: object, tenant: FoundTenant): CurrentTenant {
  const { id, slug = id, status = "active", metadata = {}, apiKey } = tenant;
  const made = { id, slug, status, metadata };
  Object.defineProperty(made, "apiKey", { value: apiKey, enumerable: false });
  current.set(context, made as CurrentTenant);
  return made as CurrentTenant;
}

/**
 * What finds a request's tenant; null where none is named and none required. Throws
 * `TenantNotFoundError`, and whatever the lookup throws. Options that cannot work throw
 * `TypeError` at once.
 */
export function tenantFinder<Raw>(
  options: TenantOptions<Raw>,
): (request: TenantRequest<Raw>) => Promise<FoundTenant | null> {
  const resolve = resolverOf(options.config);
  const lookup = remembered(lookupOf(options), options);
  const required = options.required ?? true;
  return async (request) => {
    const name = await resolve(request);
    if (name === null) {
      if (required) throw new TenantNotFoundError("The request names no tenant.");
      return null;
    }
    const found = await lookup(name);
    if (found === null) throw new TenantNotFoundError();
    return found;
  };
}

type Lookup = (name: string) => Promise<FoundTenant | null>;

function lookupOf<Raw>({ lookupTenant, client }: TenantOptions<Raw>): Lookup {
  if (lookupTenant !== undefined) return async (name) => lookupTenant(name);
  if (client === undefined) throw new TypeError("Give a lookupTenant or a client.");
  return async (name) => {
    if (!UUID.test(name)) return null;
    try {
      const { id, status, ...metadata } = await client.tenants.get(name);
      return { id, slug: name, status, metadata: { ...metadata } };
    } catch (error) {
      if (error instanceof NotFoundError) return null;
      throw error;
    }
  };
}

/** The same, asked once for many requests: while it is on its way, and for a while after. */
function remembered<Raw>(lookup: Lookup, options: TenantOptions<Raw>): Lookup {
  const { cacheTtlMs = 60_000, cacheSize = 10_000 } = options;
  const known = new Map<string, { answer: Promise<FoundTenant | null>; until: number }>();
  return (name) => {
    const found = known.get(name);
    if (found !== undefined && Date.now() < found.until) return found.answer;
    const answer = lookup(name);
    const entry = { answer, until: Infinity };
    known.delete(name);
    known.set(name, entry);
    const oldest = known.keys().next();
    if (known.size > cacheSize && !oldest.done) known.delete(oldest.value);
    const keepFor = (ms: number) => {
      entry.until = Date.now() + ms;
      if (ms <= 0 && known.get(name) === entry) known.delete(name);
    };
    answer.then(
      (tenant) => keepFor(tenant === null ? Math.min(cacheTtlMs, LONGEST_UNKNOWN_MS) : cacheTtlMs),
      () => keepFor(0), // the caller has the error; the next one asks anew
    );
    return answer;
  };
}
