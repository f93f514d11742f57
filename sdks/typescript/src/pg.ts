/** `@tenlyr/sdk/pg`: your own tables as one tenant, with `pg`, wherever the tenant lives. */

import type { Tenlyr } from "./client.js";
import { TenlyrError } from "./errors.js";
import type { NewCredential } from "./types.js";

/** Whose database: by the tenant's own key, or by its id where the client has an admin key. */
export type TenantOfDatabase = { tenantKey: string } | { tenantId: string };

/** What is used of a client of `pg`. */
export interface PgClient {
  query(text: string, values?: any[]): Promise<any>;
  release(destroy?: boolean): void;
  on(event: "error", listener: (error: Error) => void): unknown;
  removeListener(event: "error", listener: (error: Error) => void): unknown;
}

/** What is used of a pool of `pg`. */
export interface PgPool {
  query(text: string, values?: any[]): Promise<any>;
  connect(): Promise<PgClient>;
  end(): Promise<void>;
  on(event: "error", listener: (error: Error) => void): unknown;
}

/** `pg.Pool`. */
export type PgPoolClass = new (config: any) => PgPool;

/** What `pg` answers. */
export interface PgResult<Row = any> {
  rows: Row[];
  rowCount: number | null;
}

/** Runs SQL as the tenant, within a transaction. */
export interface TenantTransaction {
  query<Row = any>(text: string, values?: any[]): Promise<PgResult<Row>>;
}

/** How databases are reached. */
export interface TenantDatabasesOptions {
  client: Tenlyr;
  /** `pg.Pool`. */
  Pool: PgPoolClass;
  /** More for each pool, such as `ssl`; `max` is 5 if absent, and one login has 20 at most. */
  pool?: Record<string, unknown>;
  /** Seconds that a login works, from 60; it is renewed before. 3600 if absent. */
  ttlSeconds?: number;
  /** Tenants with an open pool at most: the one unused for longest is closed. 100 if absent. */
  maxTenants?: number;
  /**
   * Told what fails in the background: an idle connection, or the end of a login, which ends by
   * itself when its time is over. `console.error` if absent.
   */
  onError?: (error: unknown) => void;
}

/** `tenantKey` is who may end it, where a tenant's own key made it. */
type Login = Pick<NewCredential, "id" | "role" | "password"> & {
  renewAt: number;
  tenantKey: string | undefined;
};
type Place = { host: string; port: number; database: string };

const POOL_MAX = 5;
// Of a login's time, after which it is renewed.
const RENEWED_AFTER = 0.8;
// A flip takes milliseconds; a tenant that moves again and again is somebody else's trouble.
const MOST_TRIES = 6;
const FIRST_WAIT_MS = 25;

/** One pool with one login, and how many use it just now. */
class Access {
  users = 0;
  #retired: (() => void) | null = null;

  constructor(
    readonly pool: PgPool,
    readonly login: Login,
  ) {}

  get isRetired(): boolean {
    return this.#retired !== null;
  }

  /** Close it once nobody uses it any more; resolves when it is closed. */
  retire(close: () => Promise<void>): Promise<void> {
    return new Promise((done, failed) => {
      this.#retired = () => void close().then(done, failed);
      if (this.users === 0) this.#retired();
    });
  }

  leave(): void {
    this.users -= 1;
    if (this.users === 0) this.#retired?.();
  }
}

/**
 * The databases of tenants: a login and a small pool for each that is in use. Whatever SQL runs, it
 * reads and writes that tenant's rows only, and `tenant_id` fills itself in.
 */
export class TenantDatabases {
  readonly #options: TenantDatabasesOptions;
  readonly #ttlSeconds: number;
  readonly #maxTenants: number;
  readonly #tellError: (error: unknown) => void;
  /** By key or id, the one unused for longest first. */
  readonly #open = new Map<string, Promise<Access>>();
  readonly #closing = new Set<Promise<void>>();
  #isClosed = false;

  constructor(options: TenantDatabasesOptions) {
    this.#options = options;
    this.#ttlSeconds = options.ttlSeconds ?? 3_600;
    this.#maxTenants = options.maxTenants ?? 100;
    this.#tellError = options.onError ?? console.error;
  }

  /** A tenant's database. Nothing is asked or opened before it is used. */
  of(tenant: TenantOfDatabase): TenantDatabase {
    return new TenantDatabase((work) => this.#run(tenant, work));
  }

  /** Close all pools once what runs is through, and end their logins. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const name of [...this.#open.keys()]) this.#drop(name);
    while (this.#closing.size > 0) await Promise.all(this.#closing);
  }

  /** Run something, again where the tenant has moved or the login has ended meanwhile. */
  async #run<T>(tenant: TenantOfDatabase, work: (pool: PgPool) => Promise<T>): Promise<T> {
    let mayRenew = true;
    for (let attempt = 1; ; attempt += 1) {
      const access = await this.#enter(tenant);
      try {
        return await work(access.pool);
      } catch (error) {
        const next = remedy(error);
        if (next === null || attempt === MOST_TRIES) throw error;
        if (next === "login" && !mayRenew) throw error; // a new one does not work either
        if (next === "move") this.#follow(tenant, access);
        else this.#renew(tenant, access);
        mayRenew &&= next !== "login";
      } finally {
        access.leave();
      }
      // The first time at once; a place that is not settled yet is given a moment.
      if (attempt > 1) await pause(FIRST_WAIT_MS * 2 ** (attempt - 2));
    }
  }

  async #enter(tenant: TenantOfDatabase): Promise<Access> {
    for (;;) {
      if (this.#isClosed) throw new TenlyrError("The databases are closed.", { code: "closed" });
      const name = nameOf(tenant);
      const opened = this.#open.get(name) ?? this.#set(name, this.#create(tenant));
      const access = await opened;
      if (access.isRetired) continue;
      if (Date.now() >= access.login.renewAt) {
        this.#renew(tenant, access);
        continue;
      }
      this.#touch(name, opened);
      access.users += 1;
      return access;
    }
  }

  /** The same login at the tenant's new place. */
  #follow(tenant: TenantOfDatabase, access: Access): void {
    if (access.isRetired) return;
    const { login } = access;
    this.#retire(access, false);
    this.#set(nameOf(tenant), this.#connect(login, () => this.#place(tenant)));
  }

  /** A new login instead of one that has ended, or soon will. */
  #renew(tenant: TenantOfDatabase, access: Access): void {
    if (access.isRetired) return;
    this.#retire(access, true);
    this.#set(nameOf(tenant), this.#create(tenant));
  }

  #drop(name: string): void {
    const opened = this.#open.get(name);
    this.#open.delete(name);
    if (opened === undefined) return;
    const dropped = opened.then(
      (access) => (access.isRetired ? undefined : this.#retire(access, true)),
      () => {}, // who opens it is told; here it only means that there is nothing to close
    );
    this.#remember(dropped);
  }

  #set(name: string, opening: Promise<Access>): Promise<Access> {
    this.#touch(name, opening);
    opening.catch(() => {
      if (this.#open.get(name) === opening) this.#open.delete(name);
    });
    const oldest = this.#open.keys().next();
    if (this.#open.size > this.#maxTenants && !oldest.done) this.#drop(oldest.value);
    return opening;
  }

  #touch(name: string, opened: Promise<Access>): void {
    this.#open.delete(name);
    this.#open.set(name, opened);
  }

  async #create(tenant: TenantOfDatabase): Promise<Access> {
    const { isolation } = this.#options.client;
    const ttlSeconds = this.#ttlSeconds;
    const begun = Date.now();
    const tenantKey = "tenantKey" in tenant ? tenant.tenantKey : undefined;
    const made =
      "tenantKey" in tenant
        ? await isolation.createCredential({ ttlSeconds }, tenantKey)
        : await isolation.createCredential({ ttlSeconds, tenantId: tenant.tenantId });
    const renewAt = begun + ttlSeconds * 1_000 * RENEWED_AFTER;
    return this.#connect({ ...made, renewAt, tenantKey }, async () => made);
  }

  async #place(tenant: TenantOfDatabase): Promise<Place> {
    const { isolation } = this.#options.client;
    if ("tenantKey" in tenant) return isolation.connection(tenant.tenantKey);
    return isolation.connection({ tenantId: tenant.tenantId });
  }

  async #connect(login: Login, placeOf: () => Promise<Place>): Promise<Access> {
    const { host, port, database } = await placeOf();
    const { role: user, password } = login;
    const { Pool, pool: more } = this.#options;
    const pool = new Pool({ max: POOL_MAX, ...more, host, port, database, user, password });
    // Without a listener the loss of an idle connection would end the process.
    pool.on("error", this.#tellError);
    return new Access(pool, login);
  }

  /** Close a pool when nobody uses it any more, then end its login where nobody else has it. */
  #retire(access: Access, endsLogin: boolean): Promise<void> {
    const shut = access.retire(() => this.#shut(access, endsLogin));
    return this.#remember(shut.catch(this.#tellError));
  }

  async #shut(access: Access, endsLogin: boolean): Promise<void> {
    await access.pool.end();
    if (endsLogin) await this.#end(access.login);
  }

  async #end({ id, tenantKey }: Login): Promise<void> {
    try {
      await this.#options.client.isolation.endCredential(id, tenantKey);
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }

  #remember(work: Promise<void>): Promise<void> {
    this.#closing.add(work);
    return work.finally(() => this.#closing.delete(work));
  }
}

/** One tenant's database. It holds nothing: the pool is that of `TenantDatabases`. */
export class TenantDatabase {
  readonly #run: <T>(work: (pool: PgPool) => Promise<T>) => Promise<T>;

  /** Made by `TenantDatabases.of`. */
  constructor(run: <T>(work: (pool: PgPool) => Promise<T>) => Promise<T>) {
    this.#run = run;
  }

  /** Run one statement. It is run again where the tenant moved before it could do anything. */
  query<Row = any>(text: string, values?: any[]): Promise<PgResult<Row>> {
    return this.#run((pool) => pool.query(text, values));
  }

  /**
   * Run statements in one transaction, which is committed when `work` is through and rolled back
   * when it throws. Where the tenant moved meanwhile, nothing was written and `work` is run again
   * at the new place: it must not do what cannot be done twice outside of the database.
   */
  transaction<T>(work: (transaction: TenantTransaction) => Promise<T>): Promise<T> {
    return this.#run(async (pool) => {
      const client = await pool.connect();
      let lost: Error | null = null;
      // Between two statements nobody else would hear of it, and the process would end.
      const listener = (error: Error): void => void (lost ??= error);
      client.on("error", listener);
      try {
        return await committed(client, work);
      } catch (error) {
        // Why the line was lost tells more than that it is.
        const why: unknown = remedy(error) === null ? (lost ?? error) : error;
        if (!(await rolledBack(client))) lost ??= why as Error;
        throw why;
      } finally {
        client.removeListener("error", listener);
        client.release(lost !== null);
      }
    });
  }
}

async function committed<T>(
  client: PgClient,
  work: (transaction: TenantTransaction) => Promise<T>,
): Promise<T> {
  await client.query("BEGIN");
  const result = await work({ query: (text, values) => client.query(text, values) });
  await client.query("COMMIT");
  return result;
}

/** Whether the connection is of use afterwards. */
async function rolledBack(client: PgClient): Promise<boolean> {
  try {
    await client.query("ROLLBACK");
    return true;
  } catch {
    return false; // it is lost, and with it the transaction
  }
}

/** What may help against an error of the database; null for one that is the caller's. */
function remedy(error: unknown): "move" | "login" | null {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  if (code === "40001" && String(message).includes("placement_moved")) return "move";
  // After a flip old sessions are ended. Postgres says so instead of an answer, never after one:
  // nothing of what it was told was committed.
  if (code === "57P01") return "move";
  if (code === "28000" && String(message).includes("credential_ended")) return "login";
  return code === "28P01" ? "login" : null;
}

function isGone(error: unknown): boolean {
  return error instanceof TenlyrError && error.statusCode === 404;
}

function nameOf(tenant: TenantOfDatabase): string {
  return "tenantKey" in tenant ? `key ${tenant.tenantKey}` : `id ${tenant.tenantId}`;
}

function pause(ms: number): Promise<void> {
  return new Promise((wake) => setTimeout(wake, ms));
}
