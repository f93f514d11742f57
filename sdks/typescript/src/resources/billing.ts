/** `client.billing`: a tenant's subscription. Every method acts with a tenant's own key. */

import type {
  Portal,
  TenantBilling,
} from "../types.js";
import { Resource } from "./calling.js";

/** A tenant's subscription. */
export class Billing extends Resource {
  /**
   * The tenant's subscription. Throws `TenlyrNotImplementedError` where the server has no billing.
   */
  async get(tenantKey: string): Promise<TenantBilling> {
    return this.api.call({ method: "GET", path: "/api/v1/billing", key: tenantKey });
  }

  /**
   * Where the tenant changes its plan and finds its invoices. Throws `TenlyrNotImplementedError`
   * where the server has no billing.
   */
  async portalUrl(tenantKey: string): Promise<Portal> {
    return this.api.call({ method: "GET", path: "/api/v1/billing/portal", key: tenantKey });
  }
}
