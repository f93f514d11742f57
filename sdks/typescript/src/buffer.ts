/** The buffered `track`: events are taken at once and sent in batches, each counted once. */

import { uuid } from "./crypto.js";
import {
  errorOf,
  RateLimitError,
  TenlyrError,
  TenlyrNetworkError,
  TenlyrTimeoutError,
} from "./errors.js";
import { checkedKey } from "./keys.js";
import { onProcessEnd, runApart, Timer } from "./runtime.js";
import type { Batch, TrackEvent, TrackParams } from "./types.js";

/** How a buffer holds and sends. */
export interface BufferOptions {
  /** Events held at most, those on their way included; 10000 if absent. */
  maxEvents?: number;
  /** So many are sent at once, at most 10000 a batch; 500 if absent. */
  flushEvents?: number;
  /** Milliseconds that an event waits for others at most; 1000 if absent. */
  flushIntervalMs?: number;
  /**
   * When it is full: `wait`, and `track` resolves once there is room, so that awaiting it slows the
   * caller down; or `drop`, and the event is told to `onDrop`. `wait` if absent.
   */
  whenFull?: "wait" | "drop";
  /** An event that was dropped because the buffer was full. */
  onDrop?: (event: TrackParams) => void;
  /**
   * An event that will not be sent again: the server refused it for good, or the buffer was closed
   * without reaching the server. Without it such an event is told to `console.error`.
   */
  onError?: (event: TrackParams, error: TenlyrError) => void;
}

/** What a buffer sends with. */
export interface BatchSender {
  trackBatch(tenantKey: string, events: readonly TrackEvent[]): Promise<Batch>;
}

/** An event with its id and time. `clock` tells that time: the server's, when it refused ours. */
interface Held {
  readonly event: TrackParams & { id: string };
  readonly clock: "caller" | "buffer" | "server";
}

type Waiter = { wake: () => void; refuse: (error: Error) => void };

const LARGEST_BATCH = 10_000;
const LONGEST_CLOSE_MS = 30_000;
const LONGEST_REST_MS = 30_000;
// Tenants whose batches are on their way at once. A tenant's own follow each other, so that a
// later `set` of a gauge cannot overtake an earlier one.
const TENANTS_AT_ONCE = 4;
// Besides 5xx and 429: too slow, an earlier try still under way, too early.
const PASSING: ReadonlySet<number | null> = new Set([408, 409, 425]);
// What a batch as a whole may be answered for the sake of one event, or of its size.
const OF_ONE: ReadonlySet<number | null> = new Set([400, 413, 422]);
const UNACCEPTABLE = 422;

/** Takes events and sends them in batches. What could not be sent is tried again, by its id. */
export class UsageBuffer {
  readonly #sender: BatchSender;
  readonly #sleep: (ms: number) => Promise<void>;
  readonly #maxEvents: number;
  readonly #batch: number;
  readonly #intervalMs: number;
  readonly #options: BufferOptions;
  /** By tenant key, the oldest event first; also those on their way. */
  readonly #events = new Map<string, Held[]>();
  readonly #waiting: Waiter[] = [];
  readonly #timer = new Timer(() => void this.#round());
  readonly #forget: () => void;
  #held = 0;
  #settled = 0;
  #failedRounds = 0;
  #lastError: TenlyrError | null = null;
  #running: Promise<void> | null = null;
  #closing: Promise<void> | null = null;

  constructor(
    sender: BatchSender,
    options: BufferOptions,
    sleep: (ms: number) => Promise<void>,
  ) {
    this.#sender = sender;
    this.#sleep = sleep;
    this.#options = options;
    this.#maxEvents = Math.max(1, options.maxEvents ?? 10_000);
    this.#batch = Math.min(Math.max(1, options.flushEvents ?? 500), LARGEST_BATCH);
    this.#intervalMs = Math.max(1, options.flushIntervalMs ?? 1_000);
    this.#forget = onProcessEnd(() => this.close());
  }

  /** Events that are held now: never more than `maxEvents`. */
  get pending(): number {
    return this.#held;
  }

  /**
   * Take an event; its id and its `timestamp` are those of this moment, unless it has its own.
   * Resolves when it is taken, to its id, or dropped, to null; not when it is sent. Throws
   * `AuthenticationError` for a malformed key, `TypeError` for what cannot be JSON (a bigint), and
   * `TenlyrError` (`buffer_closed`) after `close`.
   */
  async track(event: TrackParams): Promise<string | null> {
    checkedKey(event.tenantKey);
    if (this.#closing !== null) throw closed();
    JSON.stringify(event); // found later, what it throws would take the whole batch along
    const taken = takenNow(event);
    if (this.#held < this.#maxEvents) {
      this.#held += 1;
    } else if (this.#options.whenFull === "drop") {
      this.#dropped(taken.event);
      return null;
    } else {
      await this.#room();
    }
    this.#keep(taken);
    return taken.event.id;
  }

  /** Try once to send all that is held now; what fails stays held and is tried again later. */
  async flush(): Promise<void> {
    // A round that runs already may have passed by events that were taken since.
    await this.#running;
    await this.#round();
  }

  /**
   * Take no more events, and send what is held: for 30 seconds at most, then what is left is told
   * to `onError`. Closing again awaits the same end.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#forget();
    let given = false;
    const giveUp = new Timer(() => (given = true));
    giveUp.start(LONGEST_CLOSE_MS, true);
    const timeUp = new Promise<void>((wake) => giveUp.then(wake));
    while (this.#held > 0 && !given) {
      await Promise.race([this.flush(), timeUp]);
      if (this.#held > 0 && !given && this.#failedRounds > 0) {
        await Promise.race([this.#sleep(this.#restMs()), timeUp]);
      }
    }
    giveUp.stop();
    this.#timer.stop();
    this.#giveUpRest();
  }

  #giveUpRest(): void {
    const error = this.#lastError ?? new TenlyrTimeoutError("The buffer was closed before.");
    for (const waiter of this.#waiting.splice(0)) waiter.refuse(error);
    for (const events of this.#events.values()) {
      for (const { event } of events) this.#lost(event, error);
    }
    this.#events.clear();
    this.#held = 0;
  }

  #keep(taken: Held): void {
    const { tenantKey } = taken.event;
    const events = this.#events.get(tenantKey);
    if (events === undefined) this.#events.set(tenantKey, [taken]);
    else events.push(taken);
    this.#goOn();
  }

  /** Send at once when there is enough for a batch, else when the time has come. */
  #goOn(): void {
    const isDue = this.#held >= Math.min(this.#batch, this.#maxEvents);
    if (isDue && this.#failedRounds === 0) void this.#round();
    else this.#schedule();
  }

  #room(): Promise<void> {
    return new Promise((wake, refuse) => {
      this.#waiting.push({ wake, refuse });
      this.#schedule();
    });
  }

  #schedule(): void {
    if (this.#running !== null || this.#closing !== null) return;
    const afterMs = this.#failedRounds === 0 ? this.#intervalMs : this.#restMs();
    // Only somebody who waits for room keeps the process alive: else its end sends what is left.
    this.#timer.start(afterMs, this.#waiting.length > 0);
  }

  /** Longer and longer while nothing goes through. */
  #restMs(): number {
    return Math.min(this.#intervalMs * 2 ** (this.#failedRounds - 1), LONGEST_REST_MS);
  }

  /** Send what is held, each tenant's until one of its batches fails. One round at a time. */
  #round(): Promise<void> {
    this.#running ??= this.#sendAll().finally(() => {
      this.#running = null;
      if (this.#held > 0 && this.#closing === null) this.#goOn();
    });
    return this.#running;
  }

  async #sendAll(): Promise<void> {
    this.#timer.stop();
    let failed = false;
    const before = this.#settled;
    const keys = [...this.#events.keys()];
    const work = async (): Promise<void> => {
      for (let key = keys.shift(); key !== undefined; key = keys.shift()) {
        if (!(await this.#sendTenant(key))) failed = true;
      }
    };
    await Promise.all(Array.from({ length: TENANTS_AT_ONCE }, work));
    if (!failed) this.#failedRounds = 0;
    else this.#failedRounds = this.#settled > before ? 1 : this.#failedRounds + 1;
  }

  /** Whether all that a tenant had when it began is settled. */
  async #sendTenant(key: string): Promise<boolean> {
    let left = this.#events.get(key)?.length ?? 0;
    while (left > 0) {
      const batch = (this.#events.get(key) ?? []).slice(0, Math.min(this.#batch, left));
      const kept = await this.#sendBatch(key, batch);
      const events = this.#events.get(key);
      if (events === undefined) return true; // closed meanwhile: told to onError there
      events.splice(0, batch.length, ...kept);
      if (events.length === 0) this.#events.delete(key);
      this.#release(batch.length - kept.length);
      if (kept.length > 0) return false;
      left -= batch.length;
    }
    return true;
  }

  /** The events of a batch that must be sent again. */
  async #sendBatch(key: string, batch: Held[]): Promise<Held[]> {
    let answer: Batch;
    try {
      answer = await this.#sender.trackBatch(key, batch.map(sent));
    } catch (error) {
      const failure = asTenlyrError(error);
      this.#lastError = failure;
      if (mayPass(failure)) return batch;
      if (batch.length > 1 && OF_ONE.has(failure.statusCode)) return this.#sendHalves(key, batch);
      for (const { event } of batch) this.#lost(event, failure);
      return [];
    }
    const { kept, untimed } = this.#judge(batch, answer);
    return untimed.length === 0 ? kept : [...kept, ...(await this.#sendBatch(key, untimed))];
  }

  /** A batch was refused as a whole, and one event, or its size, may be why. */
  async #sendHalves(key: string, batch: Held[]): Promise<Held[]> {
    const middle = Math.ceil(batch.length / 2);
    const rest = batch.slice(middle);
    const kept = await this.#sendBatch(key, batch.slice(0, middle));
    return kept.length > 0 ? [...kept, ...rest] : this.#sendBatch(key, rest);
  }

  /** Tells what is lost; answers what to send again, and what to send at once, without our time. */
  #judge(batch: Held[], answer: Batch): { kept: Held[]; untimed: Held[] } {
    const results = new Map(answer.results.map((result) => [result.index, result]));
    const kept: Held[] = [];
    const untimed: Held[] = [];
    batch.forEach((one, index) => {
      const result = results.get(index);
      if (result?.status === 201) return;
      const error = errorOf(result?.status ?? 500, result, null, null);
      this.#lastError = error;
      const isTimeOurs = one.clock === "buffer";
      if (mayPass(error)) kept.push(one);
      else if (isTimeOurs && error.statusCode === UNACCEPTABLE) untimed.push(leftToServer(one));
      else this.#lost(one.event, error);
    });
    return { kept, untimed };
  }

  /** Give room to those who wait for it, the first one first. */
  #release(count: number): void {
    this.#settled += count;
    for (let freed = 0; freed < count; freed += 1) {
      const waiter = this.#waiting.shift();
      if (waiter === undefined) this.#held -= 1;
      else waiter.wake(); // its event takes the place
    }
  }

  #dropped(event: TrackParams): void {
    const { onDrop } = this.#options;
    if (onDrop !== undefined) runApart(() => onDrop(event));
  }

  #lost(event: TrackParams, error: TenlyrError): void {
    const tell = this.#options.onError ?? tellConsole;
    runApart(() => tell(event, error));
  }
}

function takenNow(event: TrackParams): Held {
  const id = event.id ?? uuid();
  if (event.timestamp != null) return { event: { ...event, id }, clock: "caller" };
  const timestamp = new Date().toISOString();
  return { event: { ...event, id, timestamp }, clock: "buffer" };
}

function leftToServer({ event }: Held): Held {
  return { event, clock: "server" };
}

/** The event as it goes out. */
function sent({ event: { tenantKey: _, ...event }, clock }: Held): TrackEvent {
  if (clock === "server") delete event.timestamp;
  return event;
}

/** Whether another try may succeed. Events carry ids, so that a time-out is no obstacle. */
function mayPass(error: TenlyrError): boolean {
  if (error instanceof TenlyrNetworkError || error instanceof TenlyrTimeoutError) return true;
  if (error instanceof RateLimitError || PASSING.has(error.statusCode)) return true;
  const status = error.statusCode;
  // Below 400 something between has answered: the API's own answer may come yet.
  return status !== null && (status < 400 || (status >= 500 && status !== 501));
}

function asTenlyrError(error: unknown): TenlyrError {
  if (error instanceof TenlyrError) return error;
  return new TenlyrError(`The batch could not be sent: ${String(error)}`, { cause: error });
}

function closed(): TenlyrError {
  return new TenlyrError("The buffer is closed.", { code: "buffer_closed" });
}

function tellConsole(event: TrackParams, error: TenlyrError): void {
  console.error(`tenlyr: event ${event.id} was not counted: ${error.message}`);
}
