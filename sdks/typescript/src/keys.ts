/** API keys, told from garbage without asking anybody. */

import { AuthenticationError } from "./errors.js";

const FORMAT = /^(tenlyr_(?:live|test)_(?:tf_)?[0-9A-Za-z]{40})([0-9A-Za-z]{6})$/;
const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** Whether a text has the form of a key, its checksum included; it may still be revoked. */
export function isWellFormedKey(key: unknown): key is string {
  // `$` of a regular expression without the `m` flag is the very end: no line break passes.
  const match = typeof key === "string" ? FORMAT.exec(key) : null;
  return match !== null && checksum(match[1]!) === match[2];
}

/** The key, when its form is right; else throws `AuthenticationError` (401, `invalid_key`). */
export function checkedKey(key: unknown): string {
  if (isWellFormedKey(key)) return key;
  throw new AuthenticationError("The API key is missing or malformed; nothing was sent.", {
    statusCode: 401,
    code: "invalid_key",
  });
}

/** CRC-32 of an ASCII text in six base62 characters. */
function checksum(text: string): string {
  let number = crc32(text);
  let letters = "";
  for (let place = 0; place < 6; place += 1) {
    letters = ALPHABET[number % 62] + letters;
    number = Math.floor(number / 62);
  }
  return letters;
}

function crc32(text: string): number {
  let crc = 0xffffffff;
  for (let at = 0; at < text.length; at += 1) {
    crc ^= text.charCodeAt(at);
    for (let bit = 0; bit < 8; bit += 1) {
      crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    }
  }
  return (crc ^ 0xffffffff) >>> 0;
}
