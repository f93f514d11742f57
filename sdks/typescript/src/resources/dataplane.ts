/** `client.dataplane`: your own tables in every tenant's place. All of it needs an admin key. */

import type {
  Drift,
  Idempotent,
  PageParams,
  PublishParams,
  Release,
  ReleasePage,
  Rollout,
  StartRolloutParams,
} from "../types.js";
import { bodyOf, path, Resource, walkPages } from "./calling.js";

/** Your own tables in every tenant's place. */
export class Dataplane extends Resource {
  /** Every schema beside what its release says. */
  async drift(): Promise<Drift> {
    return this.api.call({ method: "GET", path: "/api/v1/dataplane/drift" });
  }

  /** One page of the workspace's releases, the newest first. */
  async list(params: PageParams = {}): Promise<ReleasePage> {
    return this.api.call({ method: "GET", path: "/api/v1/dataplane/releases", query: params });
  }

  /** Every entry of `list`, page by page. */
  listAll(params: PageParams = {}): AsyncGenerator<Release, void, undefined> {
    return walkPages(params, (next) => this.list(next));
  }

  /**
   * Release a version of your tables. Throws `InvalidRequestError` with the statement's place when
   * it may not be run.
   */
  async publish(params: PublishParams): Promise<Release> {
    return this.api.call({
      method: "POST",
      path: "/api/v1/dataplane/releases",
      ...bodyOf(params),
    });
  }

  /** One release. */
  async get(version: number): Promise<Release> {
    return this.api.call({ method: "GET", path: path`/api/v1/dataplane/releases/${version}` });
  }

  /** A version's way to every schema. */
  async rollout(version: number): Promise<Rollout> {
    return this.api.call({
      method: "GET",
      path: path`/api/v1/dataplane/releases/${version}/rollout`,
    });
  }

  /** Begin to bring a version to every schema. */
  async startRollout(version: number, params: StartRolloutParams = {}): Promise<Rollout> {
    return this.api.call({
      method: "POST",
      path: path`/api/v1/dataplane/releases/${version}/rollout`,
      ...bodyOf(params),
    });
  }

  /** Give up a roll-out that is held or stopped. */
  async endRollout(version: number, params: Idempotent = {}): Promise<Rollout> {
    return this.api.call({
      method: "POST",
      path: path`/api/v1/dataplane/releases/${version}/rollout/end`,
      idempotencyKey: params.idempotencyKey,
    });
  }

  /** Hold a roll-out after the batch at hand. */
  async pauseRollout(version: number, params: Idempotent = {}): Promise<Rollout> {
    return this.api.call({
      method: "POST",
      path: path`/api/v1/dataplane/releases/${version}/rollout/pause`,
      idempotencyKey: params.idempotencyKey,
    });
  }

  /** Let a roll-out go on. */
  async resumeRollout(version: number, params: Idempotent = {}): Promise<Rollout> {
    return this.api.call({
      method: "POST",
      path: path`/api/v1/dataplane/releases/${version}/rollout/resume`,
      idempotencyKey: params.idempotencyKey,
    });
  }
}
