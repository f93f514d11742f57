/** The operator's own tables and their releases. */

import type { ReleaseStatus, RolloutStatus } from "./enums.js";
import type { Idempotent, Page } from "./paging.js";

/** A column of an operator's table. */
export interface OperatorColumn {
  name: string;
  type: string;
  isNullable: boolean;
}

/** An operator's table; `key` finds a row again when it moves. */
export interface OperatorTable {
  name: string;
  key: string[];
  columns: OperatorColumn[];
  references: string[];
}

/** A version of the workspace's tables, as they are once it is applied. */
export interface Release {
  id: string;
  version: number;
  /** SHA-256 over its statements, in hex. */
  checksum: string;
  status: ReleaseStatus;
  statements: string[];
  tables: OperatorTable[];
  createdAt: string;
}

/** A page of releases, the newest first. */
export type ReleasePage = Page<Release>;

/** What `dataplane.publish` takes. */
export interface PublishParams extends Idempotent {
  /** Higher than that of every release before it. */
  version: number;
  /** DDL of tables; each has `tenant_id uuid NOT NULL` and a key with it. */
  sql: string;
}

/** A schema that refused, and why. */
export interface Failure {
  schema: string;
  error: string;
}

/** A version's way to every schema that lacked it. */
export interface Rollout {
  id: string;
  version: number;
  status: RolloutStatus;
  /** The wave at hand, from 1. */
  wave: number;
  waves: number;
  /** Schemas that were behind when it began. */
  total: number;
  done: number;
  failed: number;
  failureBudget: number;
  /** The first 20. */
  failures: Failure[];
  ratePerSecond: number | null;
  estimatedSecondsLeft: number | null;
  error: string | null;
  startedAt: string;
  finishedAt: string | null;
}

/** What `dataplane.startRollout` takes. */
export interface StartRolloutParams extends Idempotent {
  /** Tenants with a schema of their own that get the version before all others. */
  canaryTenantIds?: string[];
  /** Schemas worked on at once. */
  parallel?: number;
  /** How many schemas may refuse before the roll-out stops. */
  failureBudget?: number;
}

/** A schema that differs from its release. */
export interface Drifted {
  schema: string;
  missing: string[];
  added: string[];
}

/** Every schema of the workspace beside the shared one, which has the current release. */
export interface Drift {
  /** The current release; 0 without one. */
  version: number;
  isClean: boolean;
  checked: number;
  /** Schemas with an older release: not compared. */
  behind: number;
  unreachable: string[];
  /** The first 50. */
  drifted: Drifted[];
  driftedTotal: number;
}
