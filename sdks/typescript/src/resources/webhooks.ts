/** `client.webhooks`: endpoints, deliveries, and whether a webhook is genuine. */

import type {
  CreateEndpointParams,
  Delivery,
  DeliveryPage,
  Endpoint,
  EndpointPage,
  EndpointWithSecret,
  EventTypes,
  FullDelivery,
  Idempotent,
  ListDeliveriesParams,
  ListEndpointsParams,
  Replayed,
  ReplayParams,
  UpdateEndpointParams,
  WebhookEvent,
} from "../types.js";
import { verifyWebhook, type VerifyOptions, type WebhookHeaders } from "../webhooks.js";
import { bodyOf, path, Resource, walkPages } from "./calling.js";

/** Endpoints, deliveries, and whether a webhook is genuine. */
export class Webhooks extends Resource {
  /** One page of what was and will be sent, the newest first. */
  async deliveries(params: ListDeliveriesParams = {}): Promise<DeliveryPage> {
    return this.api.call({ method: "GET", path: "/api/v1/webhooks/deliveries", query: params });
  }

  /** Every entry of `deliveries`, page by page. */
  deliveriesAll(params: ListDeliveriesParams = {}): AsyncGenerator<Delivery, void, undefined> {
    return walkPages(params, (next) => this.deliveries(next));
  }

  /** One delivery, with its event and every attempt. */
  async getDelivery(deliveryId: string): Promise<FullDelivery> {
    return this.api.call({
      method: "GET",
      path: path`/api/v1/webhooks/deliveries/${deliveryId}`,
    });
  }

  /** Send a delivery again, now. */
  async retry(deliveryId: string, params: Idempotent = {}): Promise<Delivery> {
    return this.api.call({
      method: "POST",
      path: path`/api/v1/webhooks/deliveries/${deliveryId}/retry`,
      idempotencyKey: params.idempotencyKey,
    });
  }

  /** One page of the caller's endpoints. */
  async list(params: ListEndpointsParams = {}): Promise<EndpointPage> {
    return this.api.call({ method: "GET", path: "/api/v1/webhooks/endpoints", query: params });
  }

  /** Every entry of `list`, page by page. */
  listAll(params: ListEndpointsParams = {}): AsyncGenerator<Endpoint, void, undefined> {
    return walkPages(params, (next) => this.list(next));
  }

  /** A new endpoint. Its signing `secret` is shown this once. */
  async create(params: CreateEndpointParams): Promise<EndpointWithSecret> {
    return this.api.call({
      method: "POST",
      path: "/api/v1/webhooks/endpoints",
      ...bodyOf(params),
    });
  }

  /** One endpoint. */
  async get(endpointId: string): Promise<Endpoint> {
    return this.api.call({
      method: "GET",
      path: path`/api/v1/webhooks/endpoints/${endpointId}`,
    });
  }

  /** Change an endpoint: what is absent stays. */
  async update(endpointId: string, params: UpdateEndpointParams = {}): Promise<Endpoint> {
    return this.api.call({
      method: "PATCH",
      path: path`/api/v1/webhooks/endpoints/${endpointId}`,
      body: params,
    });
  }

  /** Remove an endpoint: nothing is sent there any more. */
  async delete(endpointId: string): Promise<void> {
    return this.api.call({
      method: "DELETE",
      path: path`/api/v1/webhooks/endpoints/${endpointId}`,
    });
  }

  /** Hold what is sent to an endpoint; it gets it later. */
  async pause(endpointId: string, params: Idempotent = {}): Promise<Endpoint> {
    return this.api.call({
      method: "POST",
      path: path`/api/v1/webhooks/endpoints/${endpointId}/pause`,
      idempotencyKey: params.idempotencyKey,
    });
  }

  /** Send to an endpoint again, also to one that was disabled. */
  async resume(endpointId: string, params: Idempotent = {}): Promise<Endpoint> {
    return this.api.call({
      method: "POST",
      path: path`/api/v1/webhooks/endpoints/${endpointId}/resume`,
      idempotencyKey: params.idempotencyKey,
    });
  }

  /** A new signing secret; for 24 hours the old one signs too. */
  async rotateSecret(endpointId: string, params: Idempotent = {}): Promise<EndpointWithSecret> {
    return this.api.call({
      method: "POST",
      path: path`/api/v1/webhooks/endpoints/${endpointId}/rotate-secret`,
      idempotencyKey: params.idempotencyKey,
    });
  }

  /** Have a `webhook.test` sent, once. */
  async test(endpointId: string, params: Idempotent = {}): Promise<Delivery> {
    return this.api.call({
      method: "POST",
      path: path`/api/v1/webhooks/endpoints/${endpointId}/test`,
      idempotencyKey: params.idempotencyKey,
    });
  }

  /** Every type of event with an example. */
  async eventTypes(): Promise<EventTypes> {
    return this.api.call({ method: "GET", path: "/api/v1/webhooks/event-types" });
  }

  /** Send the events of a range again, at most 10000 a call. */
  async replay(params: ReplayParams): Promise<Replayed> {
    return this.api.call({ method: "POST", path: "/api/v1/webhooks/replay", ...bodyOf(params) });
  }

  /**
   * The event of a webhook, when it is genuine: `payload` is the body as it came, `header` the
   * value of `Tenlyr-Signature` or all headers. Throws `WebhookVerificationError`.
   */
  async verify(
    payload: string | Uint8Array,
    header: string | WebhookHeaders,
    secret: string,
    options: VerifyOptions = {},
  ): Promise<WebhookEvent> {
    return verifyWebhook(payload, header, secret, options);
  }
}
