/** `client.health`: how tenants are, and their throttles. All of it needs an admin key. */

import type { Answer } from "../transport.js";
import type {
  HealthOverview,
  Idempotent,
  PageParams,
  TenantHealth,
} from "../types.js";
import { path, Resource, walkArrays } from "./calling.js";

/** How tenants are, and their throttles. */
export class Health extends Resource {
  /** How all tenants are: 1000 at most, `listAll` for more. */
  async list(params: PageParams = {}): Promise<TenantHealth[]> {
    return (await this.#list(params)).body;
  }

  /** Every entry of `list`, page by page. */
  listAll(params: PageParams = {}): AsyncGenerator<TenantHealth, void, undefined> {
    return walkArrays(params, (next) => this.#list(next));
  }

  #list(params: PageParams | undefined): Promise<Answer<TenantHealth[]>> {
    return this.api.answer({ method: "GET", path: "/api/v1/health", query: params });
  }

  /** How one tenant is. */
  async get(tenantId: string): Promise<TenantHealth> {
    return this.api.call({ method: "GET", path: path`/api/v1/health/${tenantId}` });
  }

  /** Let the tenant track `limitRpm` calls a minute and no more. */
  async throttle(
    tenantId: string,
    limitRpm: number,
    params: Idempotent = {},
  ): Promise<TenantHealth> {
    return this.api.call({
      method: "POST",
      path: path`/api/v1/health/${tenantId}/throttle`,
      body: { limitRpm },
      idempotencyKey: params.idempotencyKey,
    });
  }

  /** Let the tenant track as many calls as its plan allows. */
  async removeThrottle(tenantId: string): Promise<TenantHealth> {
    return this.api.call({ method: "DELETE", path: path`/api/v1/health/${tenantId}/throttle` });
  }

  /** How many tenants are how. */
  async overview(): Promise<HealthOverview> {
    return this.api.call({ method: "GET", path: "/api/v1/health/overview" });
  }
}
