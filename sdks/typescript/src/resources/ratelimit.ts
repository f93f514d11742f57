/** `client.ratelimit`: room for another call. */

import type {
  Allowance,
  CheckParams,
} from "../types.js";
import { bodyOf, paramsAndKey, Resource } from "./calling.js";

/** Room for another call. */
export class RateLimit extends Resource {
  /** Ask whether a call has room under the throttle, and take it. Asking is not counted itself. */
  check(key?: string): Promise<Allowance>;
  check(params?: CheckParams, key?: string): Promise<Allowance>;
  async check(first: CheckParams | string = {}, key?: string): Promise<Allowance> {
    const [params, given] = paramsAndKey(first, key);
    return this.api.call({
      method: "POST",
      path: "/api/v1/ratelimit/check",
      ...bodyOf(params ?? {}),
      key: given,
    });
  }
}
