/** Money. */

import type { TenantPlan } from "./enums.js";

/** A tenant's subscription, as of its last sync. */
export interface TenantBilling {
  tenantId: string;
  plan: TenantPlan;
  stripeCustomerId: string | null;
  stripeSubscriptionId: string | null;
  subscriptionStatus: string | null;
  /** Monthly recurring revenue, in cents. */
  mrrCents: number;
  /** Usage of this period beyond the plan, in cents. */
  usageCostCents: number;
  /** ISO 4217, small letters. */
  currency: string;
  currentPeriodStart: string | null;
  currentPeriodEnd: string | null;
  paymentState: string | null;
  lastSyncedAt: string | null;
}

/** Where a tenant changes its plan and finds its invoices. */
export interface Portal {
  url: string;
}
