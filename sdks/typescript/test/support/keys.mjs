// Well-formed keys, made here: a prefix, 40 characters and their checksum.
import { crc32 } from "node:zlib";

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

export function keyOf(prefix, filling) {
  const body = prefix + filling.padEnd(40, "0").slice(0, 40);
  let number = crc32(body);
  let sum = "";
  for (let place = 0; place < 6; place += 1) {
    sum = ALPHABET[number % 62] + sum;
    number = Math.floor(number / 62);
  }
  return body + sum;
}

export const ADMIN = keyOf("tenlyr_live_tf_", "TypeScriptAdmin");
export const TENANT = keyOf("tenlyr_live_", "TypeScriptTenant");
export const OTHER_TENANT = keyOf("tenlyr_live_", "TypeScriptOther");
