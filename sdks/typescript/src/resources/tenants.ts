/** `client.tenants`: a tenant's whole life. All of it needs an admin key. */

import type { Answer } from "../transport.js";
import type {
  CreatedTenant,
  CreateTenantParams,
  DashboardTenant,
  ExportedTenant,
  ExportParams,
  Idempotent,
  ListTenantsParams,
  PageParams,
  RotateApiKeyParams,
  Tenant,
  TenantPage,
  TenantPlan,
  TenantWithKey,
  UpdateTenantParams,
} from "../types.js";
import { bodyOf, path, Resource, walkArrays, walkPages } from "./calling.js";

/** A tenant's whole life. */
export class Tenants extends Resource {
  /**
   * Make a tenant. Its `apiKey` is shown this once. Throws `ConflictError` when the workspace has
   * one with the same `ownerEmail`, `InvalidRequestError` for wrong fields.
   */
  async create(params: CreateTenantParams): Promise<CreatedTenant> {
    return this.api.call({ method: "POST", path: "/api/v1/tenants", ...bodyOf(params) });
  }

  /** One page of the workspace's tenants, the newest first: 50 entries, or `limit`, at most 100. */
  async list(params: ListTenantsParams = {}): Promise<TenantPage> {
    return this.api.call({ method: "GET", path: "/api/v1/tenants", query: params });
  }

  /** Every entry of `list`, page by page. */
  listAll(params: ListTenantsParams = {}): AsyncGenerator<Tenant, void, undefined> {
    return walkPages(params, (next) => this.list(next));
  }

  /** One tenant. Throws `NotFoundError`. */
  async get(tenantId: string): Promise<Tenant> {
    return this.api.call({ method: "GET", path: path`/api/v1/tenants/${tenantId}` });
  }

  /** Tenants with usage of this month, health and money: 1000 at most, `dashboardAll` for more. */
  async dashboard(params: PageParams = {}): Promise<DashboardTenant[]> {
    return (await this.#dashboard(params)).body;
  }

  /** Every entry of `dashboard`, page by page. */
  dashboardAll(params: PageParams = {}): AsyncGenerator<DashboardTenant, void, undefined> {
    return walkArrays(params, (next) => this.#dashboard(next));
  }

  #dashboard(params: PageParams | undefined): Promise<Answer<DashboardTenant[]>> {
    return this.api.answer({ method: "GET", path: "/api/v1/tenants/dashboard", query: params });
  }

  /** The same as `dashboard`. */
  async health(params: PageParams = {}): Promise<DashboardTenant[]> {
    return this.dashboard(params);
  }

  /** Change a tenant's labels: what is absent stays. */
  async update(tenantId: string, params: UpdateTenantParams = {}): Promise<Tenant> {
    return this.api.call({
      method: "PATCH",
      path: path`/api/v1/tenants/${tenantId}`,
      body: params,
    });
  }

  /**
   * Block the tenant's keys; its data stays. Throws `TenlyrError` (400) when it is suspended or
   * terminated already.
   */
  async suspend(tenantId: string, reason?: string, params: Idempotent = {}): Promise<Tenant> {
    return this.api.call({
      method: "POST",
      path: path`/api/v1/tenants/${tenantId}/suspend`,
      body: { reason },
      idempotencyKey: params.idempotencyKey,
    });
  }

  /** Give a suspended tenant its access back. */
  async reactivate(tenantId: string, params: Idempotent = {}): Promise<Tenant> {
    return this.api.call({
      method: "POST",
      path: path`/api/v1/tenants/${tenantId}/reactivate`,
      idempotencyKey: params.idempotencyKey,
    });
  }

  /** End the tenant for good: its keys never work again, its data stays until `delete`. */
  async terminate(tenantId: string, params: Idempotent = {}): Promise<Tenant> {
    return this.api.call({
      method: "POST",
      path: path`/api/v1/tenants/${tenantId}/terminate`,
      idempotencyKey: params.idempotencyKey,
    });
  }

  /**
   * Give the tenant a new key, which is shown this once; the old one ends now or after the grace
   * period.
   */
  async rotateApiKey(tenantId: string, params: RotateApiKeyParams = {}): Promise<TenantWithKey> {
    return this.api.call({
      method: "POST",
      path: path`/api/v1/tenants/${tenantId}/rotate-key`,
      ...bodyOf(params),
    });
  }

  /** Put the tenant on another plan; its limits hold at once. */
  async changePlan(tenantId: string, plan: TenantPlan): Promise<Tenant> {
    return this.api.call({
      method: "PATCH",
      path: path`/api/v1/tenants/${tenantId}/plan`,
      body: { plan },
    });
  }

  /**
   * Everything held of the tenant: `json` as an object, `csv` as text, `zip` as bytes. An answer
   * that is not whole within the client's time-out throws: give large tenants a longer one.
   */
  export(tenantId: string, params?: { format?: "json" }): Promise<Record<string, unknown>>;
  export(tenantId: string, params: { format: "csv" }): Promise<string>;
  export(tenantId: string, params: { format: "zip" }): Promise<Uint8Array>;
  export(tenantId: string, params: ExportParams): Promise<ExportedTenant>;
  async export(tenantId: string, params: ExportParams = {}): Promise<any> {
    return this.api.call({
      method: "GET",
      path: path`/api/v1/tenants/${tenantId}/export`,
      query: params,
      isFile: true,
    });
  }

  /** Remove the tenant and all its data. This cannot be undone. */
  async delete(tenantId: string): Promise<void> {
    return this.api.call({ method: "DELETE", path: path`/api/v1/tenants/${tenantId}` });
  }
}
