/** Where tenants live: connections, moves, proofs. */

import type { IsolationLevel, MigrationStatus, ProofCause, ProofStatus } from "./enums.js";
import type { Idempotent, Page, PageParams } from "./paging.js";

/** How far a migration is. */
export interface Progress {
  /** The last step that is finished; null before the first. */
  step: string | null;
  rowsDone: number;
  /** As estimated at the start, then as counted. */
  rowsTotal: number;
  rowsPerSecond: number;
  /** Of copying; null while there is no rate to go by. */
  estimatedSecondsLeft: number | null;
}

/** A migration as every answer shows it. */
export interface IsolationMigration {
  id: string;
  tenantId: string;
  fromLevel: IsolationLevel;
  toLevel: IsolationLevel;
  /** It ends as completed or failed, and may be rolled_back later. */
  status: MigrationStatus;
  /** Why it failed; the tenant is where it was. */
  error: string | null;
  createdAt: string;
  startedAt: string | null;
  /** From this moment on the tenant is at its new level. */
  flippedAt: string | null;
  finishedAt: string | null;
  /** Until then the old place is kept; null where no way leads back. */
  rollbackUntil: string | null;
  /** The migration that this one undoes. */
  rollbackOf: string | null;
  /** What was really given, for people; null until it is there. */
  provided: string | null;
  progress: Progress;
}

/** A live credential; its password is shown once, when it is made. */
export interface Credential {
  id: string;
  role: string;
  expiresAt: string | null;
  createdAt: string;
}

/** A new credential with its password and where it works: the only time it is shown. */
export interface NewCredential extends Credential {
  password: string;
  host: string;
  port: number;
  database: string;
  schema: string;
}

/** Where the tenant's rows of the operator's tables are reached now. */
export interface Connection {
  tenantId: string;
  isolationLevel: IsolationLevel;
  host: string;
  port: number;
  database: string;
  schema: string;
  /** The newest live credential's; null without one. */
  role: string | null;
  /** The release that the schema has. */
  version: number;
  credentials: Credential[];
}

/** What `isolation.createCredential` takes. */
export interface CreateCredentialParams extends Idempotent {
  /** With an admin key only; a tenant's key names its tenant. */
  tenantId?: string;
  /** How long it works; without it, until it is ended. */
  ttlSeconds?: number | null;
}

/** A proof without its report. */
export interface Proof {
  id: string;
  /**
   * `incomplete`: nothing got through, but not everything could be tried; `broken`: there is no
   * result, `error` says why.
   */
  status: ProofStatus;
  cause: ProofCause;
  /** How many attacks were made. */
  attacks: number;
  /** How many of them got through. */
  breaches: number;
  /** How many could not be made. */
  unproven: number;
  /** How many holes the catalogue has. */
  defects: number;
  /** SHA-256 of the report; empty until it is finished. */
  digest: string;
  error: string;
  createdAt: string;
  startedAt: string | null;
  finishedAt: string | null;
}

/** A page of proofs, the newest first. */
export type ProofPage = Page<Proof>;

/** A report with its signature: `manage.py prove --verify` checks it, or whoever has the key. */
export interface SignedReport {
  report: Record<string, unknown>;
  /** SHA-256 of the canonical JSON of `report`. */
  digest: string;
  algorithm: string;
  /** Base64, over the canonical JSON of `report`. */
  signature: string;
  /** Base64, 32 bytes. */
  publicKey: string;
}

/** One fact that is another than in the proof before. */
export interface Change {
  path: string;
  before: string | null;
  after: string | null;
}

/** A proof with its signed report, and what changed since the one before. */
export interface FullProof extends Proof {
  proof: SignedReport | null;
  previousId: string | null;
  /** Since the previous proof; at most 500. */
  changes: Change[];
}

/** What `isolation.migrate` takes beside the tenant's id. */
export interface MigrateParams extends Idempotent {
  targetLevel: Exclude<IsolationLevel, "shared_schema">;
}

/** Which migrations `isolation.migrations` answers. */
export interface ListMigrationsParams extends PageParams {
  status?: MigrationStatus;
  /** Only this tenant's, with an admin key. */
  tenantId?: string;
}

/** What `isolation.connection` takes. */
export interface ConnectionParams {
  /** Which tenant, with an admin key; a tenant's key sees its own anyway. */
  tenantId?: string;
}

/** How `isolation.waitForMigration` waits. */
export interface WaitParams {
  /** Milliseconds between two looks; 500 if absent. */
  pollIntervalMs?: number;
  /** Milliseconds in all; 600000 if absent. */
  timeoutMs?: number;
}
