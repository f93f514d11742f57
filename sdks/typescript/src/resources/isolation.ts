/** `client.isolation`: where tenants live: connections, moves, proofs. */

import { MigrationFailedError, TenlyrTimeoutError } from "../errors.js";
import type { Answer } from "../transport.js";
import type {
  Connection,
  ConnectionParams,
  CreateCredentialParams,
  FullProof,
  Idempotent,
  IsolationMigration,
  ListMigrationsParams,
  MigrateParams,
  NewCredential,
  PageParams,
  Proof,
  ProofPage,
  WaitParams,
} from "../types.js";
import { bodyOf, paramsAndKey, path, Resource, walkArrays, walkPages } from "./calling.js";

/** Where tenants live: connections, moves, proofs. */
export class Isolation extends Resource {
  /**
   * Where a tenant's rows of your own tables are reached now. An admin key names the tenant, a
   * tenant's key is its own.
   */
  connection(key?: string): Promise<Connection>;
  connection(params?: ConnectionParams, key?: string): Promise<Connection>;
  async connection(first: ConnectionParams | string = {}, key?: string): Promise<Connection> {
    const [params, given] = paramsAndKey(first, key);
    return this.api.call({
      method: "GET",
      path: "/api/v1/isolation/connection",
      query: params,
      key: given,
    });
  }

  /** A login that sees this tenant's rows only. Its password is shown this once. */
  createCredential(key?: string): Promise<NewCredential>;
  createCredential(params?: CreateCredentialParams, key?: string): Promise<NewCredential>;
  async createCredential(
    first: CreateCredentialParams | string = {},
    key?: string,
  ): Promise<NewCredential> {
    const [params, given] = paramsAndKey(first, key);
    return this.api.call({
      method: "POST",
      path: "/api/v1/isolation/connection/credentials",
      ...bodyOf(params ?? {}),
      key: given,
    });
  }

  /** End a login; its sessions are ended too. With a tenant's `key`, one of that tenant. */
  async endCredential(credentialId: string, key?: string): Promise<void> {
    return this.api.call({
      method: "DELETE",
      path: path`/api/v1/isolation/connection/credentials/${credentialId}`,
      key,
    });
  }

  /**
   * Start a tenant's move to a higher level; it works on meanwhile. Throws `TenlyrError` (400)
   * when it moves already or is as high, `NotFoundError` when there is no such tenant.
   */
  async migrate(tenantId: string, params: MigrateParams): Promise<IsolationMigration> {
    return this.api.call({
      method: "POST",
      path: "/api/v1/isolation/migrate",
      ...bodyOf({ tenantId, ...params }),
    });
  }

  /** Moves of the tenant, or of all with an admin key: 1000 at most, `migrationsAll` for more. */
  async migrations(
    tenantKey: string,
    params: ListMigrationsParams = {},
  ): Promise<IsolationMigration[]> {
    return (await this.#migrations(tenantKey, params)).body;
  }

  /** Every entry of `migrations`, page by page. */
  migrationsAll(
    tenantKey: string,
    params: ListMigrationsParams = {},
  ): AsyncGenerator<IsolationMigration, void, undefined> {
    return walkArrays(params, (next) => this.#migrations(tenantKey, next));
  }

  #migrations(
    tenantKey: string,
    params: ListMigrationsParams | undefined,
  ): Promise<Answer<IsolationMigration[]>> {
    return this.api.answer({
      method: "GET",
      path: "/api/v1/isolation/migrations",
      query: params,
      key: tenantKey,
    });
  }

  /** One move: an admin key sees any, a tenant's key its own. */
  async getMigration(migrationId: string): Promise<IsolationMigration> {
    return this.api.call({
      method: "GET",
      path: path`/api/v1/isolation/migrations/${migrationId}`,
    });
  }

  /**
   * The move, once it is completed. Throws `MigrationFailedError` when it failed or was rolled
   * back, `TenlyrTimeoutError` when the time is up; the move itself goes on then.
   */
  async waitForMigration(
    migrationId: string,
    params: WaitParams = {},
  ): Promise<IsolationMigration> {
    const { pollIntervalMs = 500, timeoutMs = 600_000 } = params;
    const begun = Date.now();
    for (let slept = 0; ; ) {
      const migration = await this.getMigration(migrationId);
      if (migration.status === "completed") return migration;
      if (migration.status === "failed" || migration.status === "rolled_back") {
        throw new MigrationFailedError(howItEnded(migration), migration);
      }
      if (Math.max(slept, Date.now() - begun) + pollIntervalMs > timeoutMs) {
        throw new TenlyrTimeoutError(`The migration is not over within ${timeoutMs} ms.`);
      }
      await this.api.sleep(pollIntervalMs);
      slept += pollIntervalMs;
    }
  }

  /** Take a completed move back, as long as the old place is kept (`rollbackUntil`). */
  async rollback(migrationId: string, params: Idempotent = {}): Promise<IsolationMigration> {
    return this.api.call({
      method: "POST",
      path: path`/api/v1/isolation/migrations/${migrationId}/rollback`,
      idempotencyKey: params.idempotencyKey,
    });
  }

  /** One page of the proofs of isolation, the newest first. */
  async listProofs(params: PageParams = {}): Promise<ProofPage> {
    return this.api.call({ method: "GET", path: "/api/v1/isolation/proofs", query: params });
  }

  /** Every entry of `listProofs`, page by page. */
  listProofsAll(params: PageParams = {}): AsyncGenerator<Proof, void, undefined> {
    return walkPages(params, (next) => this.listProofs(next));
  }

  /** Have isolation proven now; `getProof` tells when it is done. */
  async prove(params: Idempotent = {}): Promise<Proof> {
    return this.api.call({
      method: "POST",
      path: "/api/v1/isolation/proofs",
      idempotencyKey: params.idempotencyKey,
    });
  }

  /** One proof with its signed report and what changed since the one before. */
  async getProof(proofId: string): Promise<FullProof> {
    return this.api.call({ method: "GET", path: path`/api/v1/isolation/proofs/${proofId}` });
  }
}

function howItEnded({ status, error }: IsolationMigration): string {
  if (status === "rolled_back") return "The migration was rolled back.";
  return `The migration failed: ${error ?? "nobody said why."}`;
}
