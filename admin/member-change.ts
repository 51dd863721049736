import { createHash, timingSafeEqual } from 'node:crypto';

/** A change of members asked for over HTTP: one node of the cluster's settings leaves, or comes back. */
export interface MemberRequest {
  /** `add`: as a learner, which the leader makes a voter once it is caught up. */
  readonly kind: 'add' | 'remove';
  readonly node: string;
}

/** How a change of members that was asked for over HTTP ended. */
export interface MemberReport {
  /**
   * `changed`: the configuration is committed. `refused`: nothing was changed. `unknown`: the leader lost leadership or did not
   * answer; the members in `GET /status` say what became of it.
   */
  readonly outcome: 'changed' | 'refused' | 'unknown';
  readonly reason: string;
}

/** Null when the body is none of ours: it is `{"add": NODE}` or `{"remove": NODE}`. */
export function memberRequestOf(body: unknown): MemberRequest | null {
  if (typeof body !== 'object' || body === null) return null;
  const [field, ...others] = Object.entries(body);
  if (field === undefined || others.length > 0) return null;
  const [kind, node] = field;
  if ((kind !== 'add' && kind !== 'remove') || typeof node !== 'string') return null;
  return { kind, node };
}

/** Whether a request carries the password, as `Authorization: Bearer PASSWORD` (RFC 6750 §2.1). Takes as long for any wrong one. */
export function isAuthorized(header: string | undefined, password: string): boolean {
  return timingSafeEqual(digestOf(header ?? ''), digestOf(`Bearer ${password}`));
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
