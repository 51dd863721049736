import { assert } from '../../base/assert.ts';

/** The maxima of the binlog port (HAZARDS S6, H31). */
export interface SourceLimits {
  /** Connections at a time; a further one is answered with 1040. */
  readonly sessionsMax: number;
  readonly loginTimeoutMs: number;
  /** Of one packet before the log-in succeeded. */
  readonly loginBytesMax: number;
  /** Of one packet after it: the largest is a GTID set with many gaps. */
  readonly commandBytesMax: number;
  /** Logged in and neither dumping nor asking anything. */
  readonly idleTimeoutMs: number;
  /** How long a replica that is ahead of this node's knowledge of the log may wait for it to catch up. */
  readonly unknownGtidWaitMs: number;
}

export const defaultSourceLimits: SourceLimits = {
  sessionsMax: 64,
  loginTimeoutMs: 10_000,
  loginBytesMax: 64 * 1024,
  commandBytesMax: 4 * 1024 * 1024,
  idleTimeoutMs: 600_000,
  unknownGtidWaitMs: 10_000,
};

export function checkSourceLimits(limits: SourceLimits): SourceLimits {
  assert(limits.sessionsMax >= 1, 'at least the node’s own server attaches');
  assert(limits.loginBytesMax <= limits.commandBytesMax, 'a log-in is no larger than a command');
  return Object.freeze({ ...limits });
}
