/** What the resources share: paths, bodies, pages. */

import type { Answer, Transport } from "../transport.js";
import type { Page, PageParams } from "../types.js";

/** A path with its values percent-encoded; throws `TypeError` for one that would change it. */
export function path(parts: TemplateStringsArray, ...values: (string | number)[]): string {
  return parts.reduce((whole, part, at) => whole + encoded(values[at - 1]!) + part);
}

function encoded(value: string | number): string {
  const text = String(value ?? "");
  if (text === "" || text === "." || text === "..") {
    throw new TypeError(`${JSON.stringify(text)} cannot stand in a path.`);
  }
  return encodeURIComponent(text);
}

/** The request's body, and apart from it what goes into a header. */
export function bodyOf<T extends { idempotencyKey?: string | undefined }>(
  params: T,
): { body: Omit<T, "idempotencyKey">; idempotencyKey: string | undefined } {
  const { idempotencyKey, ...body } = params;
  return { body, idempotencyKey };
}

/** The two ways to call what takes both names and a key: `(params, key)` and `(key)`. */
export function paramsAndKey<T extends object>(
  first: T | string | undefined,
  key: string | undefined,
): [T | undefined, string | undefined] {
  return typeof first === "string" ? [undefined, first] : [first, key];
}

/** Every entry of a list whose pages are `{data, nextCursor}`, page by page. */
export function walkPages<T, P extends PageParams>(
  params: P,
  ask: (params: P) => Promise<Page<T>>,
): AsyncGenerator<T, void, undefined> {
  return walk(params, async (next) => {
    const page = await ask(next);
    return [page.data, page.nextCursor];
  });
}

/** Every entry of a list whose pages are arrays with the next one's cursor in a header. */
export function walkArrays<T, P extends PageParams>(
  params: P,
  ask: (params: P) => Promise<Answer<T[]>>,
): AsyncGenerator<T, void, undefined> {
  return walk(params, async (next) => {
    const answer = await ask(next);
    return [answer.body, answer.nextCursor];
  });
}

async function* walk<T, P extends PageParams>(
  params: P,
  ask: (params: P) => Promise<[T[], string | null]>,
): AsyncGenerator<T, void, undefined> {
  let next: P | null = params;
  while (next !== null) {
    const [entries, cursor]: [T[], string | null] = await ask(next);
    yield* entries;
    next = cursor === null ? null : { ...next, cursor };
  }
}

/** A resource: some methods over one transport. */
export abstract class Resource {
  // A plain protected field would show up, keys and all, when somebody prints the client.
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  protected get api(): Transport {
    return this.#transport;
  }
}
