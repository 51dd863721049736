import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { ProxyHost } from './proxy-api.ts';

export interface ListenAddress {
  readonly host: string;
  /** 0: any free one; `NodeProxy.ports` tells which. */
  readonly port: number;
}

/** The listeners of a node, in the order of their counters in shared memory. */
export const portNames = ['readWrite', 'readOnly', 'forwardReadWrite', 'forwardReadOnly'] as const;
export type PortName = (typeof portNames)[number];

/** Everything has a maximum (HAZARDS H31, S6). */
export interface ProxyLimits {
  /** Sessions of one port, waiting ones included; the next one is told `Too many connections`. */
  readonly sessionsMax: number;
  /** Largest packet before the end of the log-in. */
  readonly preAuthPacketBytesMax: number;
  /** What a client may send ahead of a response before it is not read any more. */
  readonly queuedBytesMax: number;
  /** What is kept of a response that waits for leadership to be confirmed, before the server is not read any more. */
  readonly heldBytesMax: number;
  /** From the greeting to the end of the log-in. Below the server's own `connect_timeout` of 10 s. */
  readonly loginTimeoutMs: number;
  /** Without a command; 0: as long as the server allows (`wait_timeout`). */
  readonly idleTimeoutMs: number;
  /** How long a new session waits for somebody to serve it. */
  readonly failoverWaitMs: number;
}

export const defaultProxyLimits: ProxyLimits = {
  sessionsMax: 2000,
  preAuthPacketBytesMax: 64 * 1024,
  queuedBytesMax: 64 * 1024,
  heldBytesMax: 64 * 1024,
  loginTimeoutMs: 9_000,
  idleTimeoutMs: 0,
  failoverWaitMs: 10_000,
};

/**
 * How leadership is confirmed before a response leaves. `read-index`: by a quorum round begun after the command arrived.
 * `lease`: by a leader lease where one is valid, which trusts the drift of clocks (Raft thesis §6.4.1).
 */
export type ReadMode = 'read-index' | 'lease';

export interface ProxyOptions {
  readonly addresses: Readonly<Record<PortName, ListenAddress>>;
  readonly host: ProxyHost;
  /**
   * Ends these connections of the local server, as `KILL` does; a connection that is gone is no error. Called when sessions of the
   * read-only port must be gone before a promotion, and still run something.
   */
  readonly killConnections: (connectionIds: readonly number[]) => Promise<void>;
  readonly readMode: ReadMode;
  /** Threads that carry sessions. */
  readonly workers: number;
  readonly limits: ProxyLimits;
  /** Accounts of the node itself: nobody logs in with them through the proxy, as everybody comes from loopback here. */
  readonly reservedUsers: readonly string[];
  readonly clock: Clock;
  readonly logger: Logger;
}
