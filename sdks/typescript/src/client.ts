/** The client: one key, one server, a resource for each part of the API. */

import type { TransportOptions } from "./options.js";
import { Alerts } from "./resources/alerts.js";
import { Billing } from "./resources/billing.js";
import { Dataplane } from "./resources/dataplane.js";
import { Health } from "./resources/health.js";
import { Isolation } from "./resources/isolation.js";
import { RateLimit } from "./resources/ratelimit.js";
import { Tenants } from "./resources/tenants.js";
import { Usage } from "./resources/usage.js";
import { Webhooks } from "./resources/webhooks.js";
import { Transport } from "./transport.js";

/** What `new Tenlyr` takes. */
export type TenlyrOptions = TransportOptions;

/** A client of the Tenlyr API. It keeps no connection and no state: one serves a whole process. */
export class Tenlyr {
  readonly tenants: Tenants;
  readonly usage: Usage;
  readonly health: Health;
  readonly isolation: Isolation;
  readonly billing: Billing;
  readonly alerts: Alerts;
  readonly ratelimit: RateLimit;
  readonly webhooks: Webhooks;
  readonly dataplane: Dataplane;

  /** Throws `TypeError` for a `baseUrl` that is none. */
  constructor(options: TenlyrOptions) {
    const transport = new Transport(options);
    this.tenants = new Tenants(transport);
    this.usage = new Usage(transport);
    this.health = new Health(transport);
    this.isolation = new Isolation(transport);
    this.billing = new Billing(transport);
    this.alerts = new Alerts(transport);
    this.ratelimit = new RateLimit(transport);
    this.webhooks = new Webhooks(transport);
    this.dataplane = new Dataplane(transport);
  }
}
