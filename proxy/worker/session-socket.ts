import type { CommitForecast } from '../core/commit-forecast.ts';

/**
 * What a session uses of a socket of `node:net`, so that a simulation can carry sessions without one. Semantics are those of
 * `net.Socket` with `allowHalfOpen`.
 */
export interface SessionSocket {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  readonly destroyed: boolean;
  readonly writableNeedDrain: boolean;
  on(event: 'data', listener: (bytes: Uint8Array) => void): unknown;
  on(event: 'drain' | 'end' | 'close', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  once(event: 'close', listener: () => void): unknown;
  write(bytes: Uint8Array): boolean;
  end(): unknown;
  end(bytes: Uint8Array): unknown;
  destroy(): unknown;
  destroySoon(): void;
  cork(): void;
  uncork(): void;
  pause(): unknown;
  resume(): unknown;
  setTimeout(ms: number, callback: () => void): unknown;
}

/** What the worker of a session has besides its messages: time, the way to a server, and guesses about commands. */
export interface SessionWorld {
  /** CLOCK_MONOTONIC, as `SharedGate.setLease` counts it. */
  monotonicNs(): bigint;
  connect(address: { readonly host: string; readonly port: number }): SessionSocket;
  /** For one session. */
  createForecast(): CommitForecast;
}
