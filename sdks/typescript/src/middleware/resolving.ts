/** Which tenant a request names, by seven strategies. */

/** How a request names its tenant. */
export const RESOLUTIONS = [
  "subdomain",
  "custom_domain",
  "path",
  "header",
  "query",
  "jwt",
  "custom",
] as const;
/** One of the ways in which a request names its tenant. */
export type Resolution = (typeof RESOLUTIONS)[number];

/** A request, whatever the framework. */
export interface TenantRequest<Raw = unknown> {
  /** The `Host`, with or without a port. */
  host: string;
  /** The path, from the root of the server. */
  path: string;
  /** A header, whatever its name's case; null without it. */
  header(name: string): string | null;
  /** A query parameter; null without it. */
  query(name: string): string | null;
  /** The framework's own request or context. */
  raw: Raw;
}

/** How tenants are named. Only the options of the strategies in use matter. */
export interface ResolutionConfig<Raw = unknown> {
  /** One strategy, or several: the first that finds a name counts. */
  resolution: Resolution | readonly Resolution[];
  /** How tenants' data is kept. For readers: nothing here depends on it. */
  strategy?: string;
  /**
   * `subdomain`: what stands behind the tenant's label, such as `app.example.com`. Without it the
   * first of three or more labels is the tenant, unless it is `www`.
   */
  baseDomain?: string;
  /** `custom_domain`: the tenant of a host name (small letters, no port); null for none. */
  domainLookup?: (host: string) => string | null | Promise<string | null>;
  /** `path`: what stands before the tenant; `/t/` if absent. */
  pathPrefix?: string;
  /** `header`: its name; `X-Tenant-ID` if absent. */
  headerName?: string;
  /** `query`: the parameter's name; `tenant` if absent. */
  queryParam?: string;
  /** `jwt`: the claim's name; `tenant_id` if absent. */
  jwtClaim?: string;
  /**
   * `jwt`: the claims of the bearer token once its signature and its times are verified; null for
   * one that is not genuine. There is no default: reading an unverified token would let anybody be
   * any tenant.
   */
  verifyJwt?: (token: string) => Claims | null | Promise<Claims | null>;
  /** `custom`: the tenant of a request; null for none. */
  customResolver?: (request: TenantRequest<Raw>) => string | null | Promise<string | null>;
}

type Claims = Readonly<Record<string, unknown>>;
type Found = string | null | Promise<string | null>;
type Resolver = (request: TenantRequest<any>) => Found;

/** A header's or a parameter's first value; null for what is no text. */
export function firstText(value: unknown): string | null {
  const one: unknown = Array.isArray(value) ? value[0] : value;
  return typeof one === "string" ? one : null;
}

/** The name of a request's tenant, by the first strategy that finds one; null for none. */
export function resolverOf<Raw>(
  config: ResolutionConfig<Raw>,
): (request: TenantRequest<Raw>) => Promise<string | null> {
  const named = typeof config.resolution === "string" ? [config.resolution] : config.resolution;
  const resolvers = named.map((one) => oneOf(one, config));
  return async (request) => {
    for (const resolve of resolvers) {
      const name = await resolve(request);
      if (name !== null && name !== "") return name;
    }
    return null;
  };
}

function oneOf<Raw>(resolution: Resolution, config: ResolutionConfig<Raw>): Resolver {
  switch (resolution) {
    case "subdomain":
      return (request) => subdomainOf(hostOf(request), config.baseDomain);
    case "custom_domain": {
      const lookup = needed(config.domainLookup, "domainLookup", resolution);
      return (request) => lookup(hostOf(request));
    }
    case "path":
      return (request) => segmentAfter(config.pathPrefix ?? "/t/", request.path);
    case "header":
      return (request) => request.header(config.headerName ?? "X-Tenant-ID");
    case "query":
      return (request) => request.query(config.queryParam ?? "tenant");
    case "jwt": {
      const verify = needed(config.verifyJwt, "verifyJwt", resolution);
      return (request) => claimOf(request, verify, config.jwtClaim ?? "tenant_id");
    }
    case "custom":
      return needed(config.customResolver, "customResolver", resolution);
    default:
      throw new TypeError(`There is no tenant resolution "${String(resolution)}".`);
  }
}

function needed<T>(option: T | undefined, name: string, resolution: string): T {
  if (option !== undefined) return option;
  throw new TypeError(`The tenant resolution "${resolution}" needs ${name}.`);
}

function hostOf(request: TenantRequest): string {
  const host = request.host.toLowerCase().trim();
  // Of an IPv6 address the brackets stay; a name may end with the root's dot.
  return host.replace(/:\d+$/, "").replace(/\.$/, "");
}

function subdomainOf(host: string, baseDomain: string | undefined): string | null {
  if (baseDomain !== undefined) {
    const tail = `.${baseDomain.toLowerCase()}`;
    const label = host.endsWith(tail) ? host.slice(0, -tail.length) : "";
    return label === "" || label.includes(".") ? null : label;
  }
  const labels = host.split(".");
  const isAddress = host.startsWith("[") || /^[\d.]+$/.test(host);
  if (isAddress || labels.length < 3 || labels[0] === "www") return null;
  return labels[0]!;
}

function segmentAfter(prefix: string, path: string): string | null {
  if (!path.startsWith(prefix)) return null;
  const segment = path.slice(prefix.length).split("/", 1)[0]!;
  try {
    return decodeURIComponent(segment);
  } catch {
    return null; // half an escape names nobody
  }
}

async function claimOf(
  request: TenantRequest,
  verify: NonNullable<ResolutionConfig["verifyJwt"]>,
  name: string,
): Promise<string | null> {
  const token = /^Bearer +(\S+)$/i.exec(request.header("Authorization") ?? "")?.[1];
  const claim = token === undefined ? undefined : (await verify(token))?.[name];
  return typeof claim === "string" ? claim : null;
}
