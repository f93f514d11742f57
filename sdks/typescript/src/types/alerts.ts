/** Alerts and the channels that carry them. */

import type { AlertStatus, ChannelKind, MessageStatus, Severity } from "./enums.js";
import type { Idempotent, Page, PageParams } from "./paging.js";

/** An alert as every answer shows it. */
export interface Alert {
  id: string;
  /** Null where it concerns the workspace. */
  tenantId: string | null;
  type: string;
  /** The worst so far: it does not fall while the alert is open. */
  severity: Severity;
  title: string;
  message: string;
  metadata: Record<string, unknown>;
  /** How often it happened since it was opened. */
  count: number;
  status: AlertStatus;
  createdAt: string;
  /** When it happened last. */
  lastAt: string;
  resolvedAt: string | null;
  /** `admin_key`, `tenant_key`, `operator`, or `system` where its reason is over. */
  resolvedBy: string | null;
}

/** How many were resolved. */
export interface Resolved {
  resolved: number;
}

/** What `alerts.create` takes. */
export interface CreateAlertParams extends Idempotent {
  tenantId: string;
  /** One of a type is open for a tenant at a time; a repeat counts on it. */
  type: string;
  severity: Severity;
  title: string;
  message: string;
  metadata?: Record<string, unknown>;
}

/** A channel as every answer shows it. */
export interface Channel {
  id: string;
  kind: ChannelKind;
  /** Without what is secret: of a chat's address the host only. */
  target: string;
  minSeverity: Severity;
  enabled: boolean;
  lastSentAt: string | null;
  /** Why the last message was not taken; null once one was. */
  lastError: string | null;
  createdAt: string;
}

/** A page of channels, the newest first. */
export type ChannelPage = Page<Channel>;

/** A new channel with its signing secret: the only time it is shown. */
export interface CreatedChannel {
  channel: Channel;
  /** Of a webhook; null for the others. */
  secret: string | null;
}

/** What `alerts.createChannel` takes. */
export interface CreateChannelParams extends Idempotent {
  kind: ChannelKind;
  /** A URL for `webhook`, an incoming webhook's URL for `slack`, an e-mail address. */
  target: string;
  minSeverity?: Severity;
}

/** What `alerts.updateChannel` takes. */
export interface UpdateChannelParams {
  target?: string;
  minSeverity?: Severity;
  enabled?: boolean;
}

/** What a channel was sent, or is to be. */
export interface Message {
  id: string;
  test: boolean;
  status: MessageStatus;
  attempts: number;
  error: string | null;
  createdAt: string;
  finishedAt: string | null;
}

/** A page of messages, the newest first. */
export type MessagePage = Page<Message>;

/** Which alerts `alerts.unresolved` answers. */
export interface ListUnresolvedParams extends PageParams {
  severity?: Severity;
  /** Only this tenant's, with an admin key. */
  tenantId?: string;
  type?: string;
}

/** Which alerts `alerts.list` answers. */
export interface ListAlertsParams extends ListUnresolvedParams {
  status?: AlertStatus;
}
