import type { ClientErrorCode } from './client-error.ts';

/**
 * Where a session stands.
 *
 * ```text
 * greeting ─▶ answer ─▶ turn (log-in) ─▶ idle ◀─▶ turn | silent | refused | gather ─▶ turn
 *                                          └──▶ quit                   any ─▶ ended
 * ```
 */
export type SessionPhase =
  /** The server has not greeted yet. */
  | 'greeting'
  /** The client has not answered the greeting yet. */
  | 'answer'
  | 'idle'
  /** A command is on its way to the server, or its response on the way back. */
  | 'turn'
  /** A command without response is on its way. */
  | 'silent'
  /** A command is read to its end and not passed. */
  | 'refused'
  /** COM_CHANGE_USER, read whole, as its account decides whether it passes. */
  | 'gather'
  | 'quit'
  | 'ended';

/** What happens to a session, told to its machine. */
export type SessionInput =
  | { readonly kind: 'server-bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'client-bytes'; readonly bytes: Uint8Array }
  /** Leadership is confirmed: the response that is held may leave. */
  | { readonly kind: 'confirmed' }
  /** New statements may start again on this server. */
  | { readonly kind: 'hold-ended' }
  /** The server closed the connection, or it broke. */
  | { readonly kind: 'server-lost' }
  | { readonly kind: 'end'; readonly cause: EndCause };

/** Why the proxy itself ends a session. */
export type EndCause =
  /** Another server serves the port now, or this one must not answer any more. */
  'moved' | 'idle-timeout' | 'login-timeout' | 'closing';

/** What the shared memory says in the moment of a step. */
export interface GateView {
  /** A response to the current command may leave. */
  readonly mayLeave: boolean;
  /** Statements outside a transaction must not be started now. */
  readonly isHolding: boolean;
}

/** What a machine orders its shell to do, in this order. */
export type SessionEffect =
  | { readonly kind: 'to-server'; readonly bytes: Uint8Array }
  | { readonly kind: 'to-client'; readonly bytes: Uint8Array }
  /** A command has arrived: leadership must be confirmed by what begins after now. `head`: see `headOf`. */
  | { readonly kind: 'turn-started'; readonly head: number }
  | { readonly kind: 'turn-ended' }
  | { readonly kind: 'logged-in' }
  /** The first bytes of a response wait for `confirmed`. */
  | { readonly kind: 'held' }
  | { readonly kind: 'read-client'; readonly on: boolean }
  | { readonly kind: 'read-server'; readonly on: boolean }
  | { readonly kind: 'error'; readonly code: ClientErrorCode; readonly sequence: number }
  /** End the client's connection behind what was written to it, and drop the server's. Nothing follows. */
  | { readonly kind: 'close' }
  /** Destroy both connections: nothing that the client could read would be true. Nothing follows. */
  | { readonly kind: 'abort'; readonly reason: string };

export interface SessionMachineOptions {
  /** A read-only session cannot leave an outcome unknown. */
  readonly access: 'read-write' | 'read-only';
  /** Largest packet of a client that has not logged in (HAZARDS S6). */
  readonly preAuthPacketBytesMax: number;
  /** Bytes a client may send ahead of the response it waits for, before it is not read any more. */
  readonly queuedBytesMax: number;
  /** Bytes of a held response, before the server is not read any more. */
  readonly heldBytesMax: number;
  /** Accounts that may not log in through the proxy: those of the node itself. */
  readonly reservedUsers: readonly string[];
}
