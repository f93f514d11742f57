/** Endpoints, deliveries, events. */

import type { DeliveryStatus, EndpointStatus, EventAudience, EventTypeName } from "./enums.js";
import type { Idempotent, Page, PageParams } from "./paging.js";

/** An event as receivers get it. */
export interface WebhookEvent {
  id: string;
  type: EventTypeName;
  createdAt: string;
  data: Record<string, unknown>;
}

/** A type of event with an example of its whole envelope. */
export interface EventType {
  type: EventTypeName;
  audience: EventAudience;
  /** When it is emitted. */
  description: string;
  example: Record<string, unknown>;
}

/** Every type of event. */
export interface EventTypes {
  data: EventType[];
}

/** An endpoint as every answer shows it; never its secret. */
export interface Endpoint {
  id: string;
  /** Null for the workspace's own, which hear of all its tenants. */
  tenantId: string | null;
  url: string;
  description: string;
  events: string[];
  ordered: boolean;
  /**
   * `paused`: what comes is kept until it is resumed; `disabled`: it failed for five days or
   * answered 410, and hears nothing.
   */
  status: EndpointStatus;
  /** Empty unless it is disabled. */
  disabledReason: string;
  /** The first failure with no success since. */
  failingSince: string | null;
  /** Until then deliveries are signed with the secret before the last rotation, too. */
  previousSecretUntil: string | null;
  createdAt: string;
  updatedAt: string;
}

/** A page of endpoints, the newest first. */
export type EndpointPage = Page<Endpoint>;

/** An endpoint with its new secret: the only time it is shown. */
export interface EndpointWithSecret extends Endpoint {
  /** `whsec_` and 32 bytes in base64. */
  secret: string;
}

/** What `webhooks.create` takes. */
export interface CreateEndpointParams extends Idempotent {
  url: string;
  description?: string;
  events?: (EventTypeName | "*")[];
  /**
   * One event of a tenant after the other: each waits until the one before is delivered or given
   * up.
   */
  ordered?: boolean;
  /** With an admin key only: an endpoint of this tenant, which hears of its events. */
  tenantId?: string;
}

/** What `webhooks.update` takes. */
export interface UpdateEndpointParams {
  url?: string;
  description?: string;
  events?: (EventTypeName | "*")[];
  ordered?: boolean;
}

/** One event on its way to one endpoint. */
export interface Delivery {
  id: string;
  endpointId: string;
  /** The same at every attempt, replay and retry. */
  eventId: string;
  type: EventTypeName;
  /** Whom the event is about. */
  tenantId: string | null;
  /** `failed`: tried for 72 hours; `cancelled`: its endpoint or its event is gone. */
  status: DeliveryStatus;
  /** How many were begun. */
  attemptCount: number;
  nextAttemptAt: string | null;
  firstAttemptAt: string | null;
  finishedAt: string | null;
  isTest: boolean;
  /** Whether it was asked for by a replay. */
  isReplay: boolean;
  eventCreatedAt: string;
  createdAt: string;
}

/** A page of deliveries, the newest first. */
export type DeliveryPage = Page<Delivery>;

/** One POST and what came back. */
export interface Attempt {
  number: number;
  at: string;
  /**
   * One of accepted, refused, redirect_refused, gone, timeout, unreachable, tls_failed, blocked,
   * broken, or `interrupted` (cut off with its process, sent again); null while it is under way.
   */
  outcome: string | null;
  /** What the receiver answered; null if nothing. */
  statusCode: number | null;
  latencyMs: number | null;
  /** A sentence for people; empty where it was accepted. */
  reason: string;
  /** Signatures are cut. */
  requestHeaders: Record<string, string>;
  /** The beginning of the answer's body, as text. */
  response: string;
}

/** A delivery with its event and every attempt. */
export interface FullDelivery extends Delivery {
  /** Null once the tenant's events are purged. */
  event: WebhookEvent | null;
  /** The first one first. */
  attempts: Attempt[];
}

/** What `webhooks.replay` takes. */
export interface ReplayParams extends Idempotent {
  endpointId: string;
  /** Events from this moment on. */
  since: string;
  /** Events before this moment. */
  until: string;
  /** Of those that the endpoint listens to, only these. */
  types?: EventTypeName[];
  /** Leave out what it has accepted before. */
  onlyUndelivered?: boolean;
}

/** What a replay set off. */
export interface Replayed {
  /** How many events are delivered again. */
  queued: number;
}

/** Which endpoints `webhooks.list` answers. */
export interface ListEndpointsParams extends PageParams {
  /** Only this tenant's, with an admin key. */
  tenantId?: string;
}

/** Which deliveries `webhooks.deliveries` answers. */
export interface ListDeliveriesParams extends PageParams {
  endpointId?: string;
  /** Of events from then on, ISO 8601. */
  since?: string;
  status?: DeliveryStatus;
  /** Only of events about this tenant, with an admin key. */
  tenantId?: string;
  type?: EventTypeName;
  /** Of events before then, ISO 8601. */
  until?: string;
}
