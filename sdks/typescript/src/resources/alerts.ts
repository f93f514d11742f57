/** `client.alerts`: alerts, and the channels that carry them. */

import type { Answer } from "../transport.js";
import type {
  Alert,
  Channel,
  ChannelPage,
  CreateAlertParams,
  CreateChannelParams,
  CreatedChannel,
  Idempotent,
  ListAlertsParams,
  ListUnresolvedParams,
  Message,
  MessagePage,
  PageParams,
  Resolved,
  UpdateChannelParams,
} from "../types.js";
import { bodyOf, paramsAndKey, path, Resource, walkArrays, walkPages } from "./calling.js";

/** Alerts, and the channels that carry them. */
export class Alerts extends Resource {
  /** Alerts of the workspace, or of the tenant whose key asks: 1000 at most, `listAll` for more. */
  list(key?: string): Promise<Alert[]>;
  list(params?: ListAlertsParams, key?: string): Promise<Alert[]>;
  async list(first: ListAlertsParams | string = {}, key?: string): Promise<Alert[]> {
    const [params, given] = paramsAndKey(first, key);
    return (await this.#list(params, given)).body;
  }

  /** Every entry of `list`, page by page. */
  listAll(key?: string): AsyncGenerator<Alert, void, undefined>;
  listAll(params?: ListAlertsParams, key?: string): AsyncGenerator<Alert, void, undefined>;
  listAll(
    first: ListAlertsParams | string = {},
    key?: string,
  ): AsyncGenerator<Alert, void, undefined> {
    const [params, given] = paramsAndKey(first, key);
    return walkArrays(params ?? {}, (next) => this.#list(next, given));
  }

  #list(params: ListAlertsParams | undefined, key: string | undefined): Promise<Answer<Alert[]>> {
    return this.api.answer({ method: "GET", path: "/api/v1/alerts", query: params, key });
  }

  /** Open an alert from your own monitoring; a repeat of an open one counts on it. */
  async create(params: CreateAlertParams): Promise<Alert> {
    return this.api.call({ method: "POST", path: "/api/v1/alerts", ...bodyOf(params) });
  }

  /** One alert. */
  async get(alertId: string): Promise<Alert> {
    return this.api.call({ method: "GET", path: path`/api/v1/alerts/${alertId}` });
  }

  /** Resolve one alert; one that is resolved already stays as it is. */
  async resolve(alertId: string, params: Idempotent = {}): Promise<Alert> {
    return this.api.call({
      method: "POST",
      path: path`/api/v1/alerts/${alertId}/resolve`,
      idempotencyKey: params.idempotencyKey,
    });
  }

  /** One page of the workspace's channels. */
  async listChannels(params: PageParams = {}): Promise<ChannelPage> {
    return this.api.call({ method: "GET", path: "/api/v1/alerts/channels", query: params });
  }

  /** Every entry of `listChannels`, page by page. */
  listChannelsAll(params: PageParams = {}): AsyncGenerator<Channel, void, undefined> {
    return walkPages(params, (next) => this.listChannels(next));
  }

  /** A new channel. A webhook's signing `secret` is shown this once. */
  async createChannel(params: CreateChannelParams): Promise<CreatedChannel> {
    return this.api.call({ method: "POST", path: "/api/v1/alerts/channels", ...bodyOf(params) });
  }

  /** One channel. */
  async getChannel(channelId: string): Promise<Channel> {
    return this.api.call({ method: "GET", path: path`/api/v1/alerts/channels/${channelId}` });
  }

  /** Change a channel: what is absent stays. */
  async updateChannel(channelId: string, params: UpdateChannelParams = {}): Promise<Channel> {
    return this.api.call({
      method: "PATCH",
      path: path`/api/v1/alerts/channels/${channelId}`,
      body: params,
    });
  }

  /** Remove a channel. */
  async deleteChannel(channelId: string): Promise<void> {
    return this.api.call({ method: "DELETE", path: path`/api/v1/alerts/channels/${channelId}` });
  }

  /** What a channel was sent, and what came of it. */
  async listMessages(channelId: string, params: PageParams = {}): Promise<MessagePage> {
    return this.api.call({
      method: "GET",
      path: path`/api/v1/alerts/channels/${channelId}/messages`,
      query: params,
    });
  }

  /** Every entry of `listMessages`, page by page. */
  listMessagesAll(
    channelId: string,
    params: PageParams = {},
  ): AsyncGenerator<Message, void, undefined> {
    return walkPages(params, (next) => this.listMessages(channelId, next));
  }

  /** Have a test sent. */
  async testChannel(channelId: string, params: Idempotent = {}): Promise<Message> {
    return this.api.call({
      method: "POST",
      path: path`/api/v1/alerts/channels/${channelId}/test`,
      idempotencyKey: params.idempotencyKey,
    });
  }

  /** Resolve whatever is open. */
  resolveAll(key?: string): Promise<Resolved>;
  resolveAll(params?: Idempotent, key?: string): Promise<Resolved>;
  async resolveAll(first: Idempotent | string = {}, key?: string): Promise<Resolved> {
    const [params, given] = paramsAndKey(first, key);
    return this.api.call({
      method: "POST",
      path: "/api/v1/alerts/resolve-all",
      idempotencyKey: params?.idempotencyKey,
      key: given,
    });
  }

  /** Alerts that are open: 1000 at most, `unresolvedAll` for more. */
  unresolved(key?: string): Promise<Alert[]>;
  unresolved(params?: ListUnresolvedParams, key?: string): Promise<Alert[]>;
  async unresolved(first: ListUnresolvedParams | string = {}, key?: string): Promise<Alert[]> {
    const [params, given] = paramsAndKey(first, key);
    return (await this.#unresolved(params, given)).body;
  }

  /** Every entry of `unresolved`, page by page. */
  unresolvedAll(key?: string): AsyncGenerator<Alert, void, undefined>;
  unresolvedAll(
    params?: ListUnresolvedParams,
    key?: string,
  ): AsyncGenerator<Alert, void, undefined>;
  unresolvedAll(
    first: ListUnresolvedParams | string = {},
    key?: string,
  ): AsyncGenerator<Alert, void, undefined> {
    const [params, given] = paramsAndKey(first, key);
    return walkArrays(params ?? {}, (next) => this.#unresolved(next, given));
  }

  #unresolved(
    params: ListUnresolvedParams | undefined,
    key: string | undefined,
  ): Promise<Answer<Alert[]>> {
    return this.api.answer({
      method: "GET",
      path: "/api/v1/alerts/unresolved",
      query: params,
      key,
    });
  }
}
