/** What many calls take and answer. */

/** What every POST takes beside its own names. */
export interface Idempotent {
  /**
   * 1 to 255 printable ASCII characters; a repeat within 24 hours is answered like the first call
   * and does nothing. Without it each call makes a UUID of its own, the same at each try.
   */
  idempotencyKey?: string;
}

/** One page of a list. */
export interface Page<T> {
  data: T[];
  /** What the next page is asked with; null on the last one. */
  nextCursor: string | null;
}

/** Which page of a list. */
export interface PageParams {
  /** `nextCursor` of the page before. */
  cursor?: string;
  /** Entries per page; more than the list's maximum means its maximum. */
  limit?: number;
}
