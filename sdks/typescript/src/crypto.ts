/** WebCrypto, wherever this runs. */

/** The part of WebCrypto's HMAC that is used here. */
interface Subtle {
  importKey(
    format: "raw",
    key: Uint8Array,
    algorithm: { name: string; hash: string },
    extractable: boolean,
    uses: "sign"[],
  ): Promise<unknown>;
  sign(algorithm: "HMAC", key: unknown, data: Uint8Array): Promise<ArrayBuffer>;
}

interface Web {
  subtle?: Subtle;
  randomUUID?: () => string;
}

function web(): Web | undefined {
  return (globalThis as { crypto?: unknown }).crypto as Web | undefined;
}

/** A random UUID (version 4). */
export function uuid(): string {
  const crypto = web();
  if (crypto?.randomUUID) return crypto.randomUUID();
  // Node 18 has no global crypto. These ids must be unique, not secret: Math.random does.
  return "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx".replace(/[xy]/g, (place) =>
    (place === "x" ? randomBelow(16) : 8 + randomBelow(4)).toString(16),
  );
}

/** HMAC-SHA256. */
export async function hmacSha256(key: Uint8Array, data: Uint8Array): Promise<Uint8Array> {
  const subtle = web()?.subtle ?? (await nodeSubtle());
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const imported = await subtle.importKey("raw", key, algorithm, false, ["sign"]);
  return new Uint8Array(await subtle.sign("HMAC", imported, data));
}

/** Whether two texts are equal, in a time that does not tell where they differ. */
export function equalInConstantTime(one: string, other: string): boolean {
  let difference = one.length ^ other.length;
  for (let at = 0; at < one.length; at += 1) {
    difference |= one.charCodeAt(at) ^ other.charCodeAt(at % (other.length || 1));
  }
  return difference === 0;
}

/** Node 18 keeps WebCrypto in a module; no other runtime comes here, so no bundler may follow. */
async function nodeSubtle(): Promise<Subtle> {
  const name = "node:crypto";
  const module = (await import(/* webpackIgnore: true */ /* @vite-ignore */ name)) as {
    webcrypto: { subtle: Subtle };
  };
  return module.webcrypto.subtle;
}

function randomBelow(bound: number): number {
  return Math.floor(Math.random() * bound);
}
