import { assertNever } from '../../base/assert.ts';
import type { ClientErrorCode } from '../core/client-error.ts';
import { type CommitForecast, noHead } from '../core/commit-forecast.ts';
import { SessionMachine } from '../core/session-machine.ts';
import type { EndCause, GateView, SessionEffect, SessionInput } from '../core/session-types.ts';
import { accessDeniedText, encodeClientError } from '../mysql-errors.ts';
import type { PortName, ProxyLimits } from '../options.ts';
import type { SharedGate } from '../shared-gate.ts';
import { accessOf, type Binding } from './binding.ts';
import type { SessionSocket, SessionWorld } from './session-socket.ts';

/** How long a client may take to read the last error and close. */
const lingerMs = 2_000;
/** Between two attempts to reach a server for a session that waits. */
const retryMs = 100;

/** What a session needs of its worker. */
export interface SessionHost {
  readonly gate: SharedGate;
  readonly world: SessionWorld;
  readonly limits: ProxyLimits;
  readonly usesLease: boolean;
  readonly reservedUsers: readonly string[];
  /** Monotonic milliseconds, as of the latest sweep: good enough for time-outs. */
  readonly nowMs: number;
  /** So many commands of other sessions are with the local primary that one of their answers will ask for a round soon. */
  readonly isCrowded: boolean;
  /** A command is with the local primary (1), and no longer (-1). */
  countTurn(change: 1 | -1): void;
  bind(port: PortName): Binding | null;
  /** Nobody will ever serve this port. */
  isRemoved(port: PortName): boolean;
  isStillWanted(binding: Binding, port: PortName): boolean;
  /** The round that a command which has arrived now needs. */
  requestRound(): bigint;
  /** Calls `confirmed` on the session once that round is confirmed. */
  awaitRound(session: Session, round: bigint): void;
  /** A read-only session of the local server has ended; its connection is let go when the server closes it. */
  letReadOnlyServerGo(server: SessionSocket, connectionId: number | null): void;
  /** The client of this connection to the local primary has the whole answer to its command. True when that committed something. */
  answered(connectionId: number): boolean;
  /** A command has ended, or the session. */
  settled(): void;
  closed(session: Session): void;
  log(event: string, fields: Readonly<Record<string, unknown>>): void;
}

type State = 'opening' | 'open' | 'closing' | 'closed';

// The four possible views, so that none is allocated for a packet.
const views: readonly GateView[] = [
  { mayLeave: false, isHolding: false },
  { mayLeave: true, isHolding: false },
  { mayLeave: false, isHolding: true },
  { mayLeave: true, isHolding: true },
];
const strictView: GateView = { mayLeave: false, isHolding: true };

/**
 * The two sockets of a session, and its machine between them. Bytes pass as the sockets deliver them; each side is read only
 * as fast as the other takes it.
 */
export class Session {
  readonly port: PortName;
  readonly peer: string;
  readonly #id: number;
  readonly #host: SessionHost;
  readonly #client: SessionSocket;
  #state: State = 'opening';
  #machine: SessionMachine;
  #server: SessionSocket | null = null;
  #binding: Binding | null = null;
  readonly #forecast: CommitForecast;
  #head: number = noHead;
  /** What must be confirmed before this response leaves; null: a lease, or what is asked for when that is not valid. */
  #round: bigint | null = null;
  #isRoundRequested = false;
  #isInTurn = false;
  #isHeld = false;
  #mayReadClient = true;
  #mayReadServer = true;
  /** When this state must be over: waiting for a server, the log-in, being idle, lingering. */
  #deadlineMs: number;
  #retryAtMs = 0;
  #busySinceMs: number | null = null;

  constructor(id: number, client: SessionSocket, port: PortName, host: SessionHost) {
    this.#id = id;
    this.#client = client;
    this.port = port;
    this.peer = `${client.remoteAddress ?? 'gone'}:${client.remotePort ?? 0}`;
    this.#host = host;
    this.#forecast = host.world.createForecast();
    this.#machine = this.#newMachine();
    this.#deadlineMs = host.nowMs + host.limits.failoverWaitMs;
    client.on('data', (bytes) => this.#onClientBytes(bytes));
    client.on('drain', () => this.#balance());
    client.on('end', () => this.#onClientEnd());
    client.on('error', () => this.#drop());
    client.on('close', () => this.#drop());
  }

  get binding(): Binding | null {
    return this.#binding;
  }

  /** It runs a statement on the local primary, or has a transaction open there. */
  get isBusyOnPrimary(): boolean {
    return this.#isOnPrimary && this.#state === 'open' && this.#machine.isBusy;
  }

  describe(): { id: number; user: string; peer: string; inTransactionMs: number } {
    const since = this.#busySinceMs ?? this.#host.nowMs;
    return {
      id: this.#id,
      user: this.#machine.user,
      peer: this.peer,
      inTransactionMs: Math.round(this.#host.nowMs - since),
    };
  }

  /** Looks for a server if it has none; called whenever one may have become available. */
  attach(): void {
    if (this.#state !== 'opening' || this.#server !== null) return;
    const binding = this.#host.bind(this.port);
    if (binding === null) {
      if (this.#host.isRemoved(this.port)) this.#refuse('PROXY_NODE_REMOVED');
      return;
    }
    const server = this.#host.world.connect(binding);
    this.#binding = binding;
    this.#server = server;
    this.#machine = this.#newMachine();
    server.on('data', (bytes) => this.#onServerBytes(server, bytes));
    server.on('drain', () => this.#balance());
    server.on('end', () => this.#onServerLost(server));
    server.on('error', () => this.#onServerLost(server));
    server.on('close', () => this.#onServerLost(server));
  }

  /** The view, or a permission, has changed. */
  reconsider(): void {
    const binding = this.#binding;
    if (binding === null) {
      this.attach();
      return;
    }
    if (this.#hasPermission() && this.#host.isStillWanted(binding, this.port)) return;
    this.end('moved');
  }

  /** Ends the session with the error that is true of it. Before it was greeted it looks for another server instead. */
  end(cause: EndCause): void {
    if (this.#state === 'open') {
      this.#step({ kind: 'end', cause }, strictView);
    } else if (this.#state === 'opening' && cause === 'closing') {
      this.#refuse('PROXY_SHUTTING_DOWN');
    } else if (this.#state === 'opening') {
      this.#detach();
      this.attach();
    }
  }

  /** The round that a held response waited for is confirmed. */
  confirmed(): void {
    if (this.#state === 'open' && this.#checkPermission()) {
      this.#step({ kind: 'confirmed' }, this.#view());
    }
  }

  holdEnded(): void {
    if (this.#state === 'opening') this.attach();
    else if (this.#state === 'open' && this.#checkPermission()) {
      this.#step({ kind: 'hold-ended' }, this.#view());
    }
  }

  /** Called several times a second. */
  sweep(): void {
    const now = this.#host.nowMs;
    if (this.#state === 'opening' && this.#server === null && now >= this.#retryAtMs) this.attach();
    if (now < this.#deadlineMs) return;
    switch (this.#state) {
      case 'opening':
        this.#refuse(accessOf(this.port) === 'read-write' ? 'PROXY_NO_LEADER' : 'PROXY_NO_REPLICA');
        break;
      case 'open':
        this.end(this.#machine.isLoggedIn ? 'idle-timeout' : 'login-timeout');
        break;
      case 'closing':
        this.#client.destroy();
        break;
      case 'closed':
        break;
      default:
        assertNever(this.#state);
    }
  }

  get #isOnPrimary(): boolean {
    return this.#binding?.permission?.kind === 'gate';
  }

  #newMachine(): SessionMachine {
    const { limits, reservedUsers } = this.#host;
    return new SessionMachine({
      access: accessOf(this.port),
      preAuthPacketBytesMax: limits.preAuthPacketBytesMax,
      queuedBytesMax: limits.queuedBytesMax,
      heldBytesMax: limits.heldBytesMax,
      reservedUsers,
    });
  }

  #onClientBytes(bytes: Uint8Array): void {
    // Nobody speaks before the greeting: what does is no client (HAZARDS N12).
    if (this.#state === 'opening') this.#client.destroy();
    if (this.#state !== 'open' || !this.#checkPermission()) return;
    this.#step({ kind: 'client-bytes', bytes }, this.#view());
  }

  /** What was last written still goes out when the session is already ending; else there is nobody left to answer. */
  #onClientEnd(): void {
    if (this.#state !== 'closing') this.#drop();
  }

  #onServerBytes(server: SessionSocket, bytes: Uint8Array): void {
    if (server !== this.#server || !this.#checkPermission()) return;
    if (this.#state === 'opening') {
      this.#state = 'open';
      this.#deadlineMs = this.#host.nowMs + this.#host.limits.loginTimeoutMs;
    }
    this.#step({ kind: 'server-bytes', bytes }, this.#view());
  }

  #onServerLost(server: SessionSocket): void {
    if (server !== this.#server) return;
    if (this.#state === 'opening') {
      this.#detach();
      this.#retryAtMs = this.#host.nowMs + retryMs;
    } else this.#step({ kind: 'server-lost' }, strictView);
  }

  #hasPermission(): boolean {
    const permission = this.#binding?.permission;
    if (permission === null || permission === undefined) return true;
    return this.#host.gate.epoch(permission.kind) === permission.epoch;
  }

  /** False, and the session ends: nothing more may pass between client and server, in either direction. */
  #checkPermission(): boolean {
    if (this.#hasPermission()) return true;
    this.end('moved');
    return false;
  }

  #view(): GateView {
    const mayLeave = !this.#isOnPrimary || this.#machine.isReleased || this.#isConfirmed();
    const isHolding = this.#isOnPrimary && this.#host.gate.isHolding;
    return views[(mayLeave ? 1 : 0) + (isHolding ? 2 : 0)] ?? strictView;
  }

  #isConfirmed(): boolean {
    const { gate, usesLease, world } = this.#host;
    if (this.#round !== null && gate.isConfirmed(this.#round)) return true;
    return usesLease && gate.isLeaseValid(world.monotonicNs());
  }

  #step(input: SessionInput, view: GateView): void {
    const effects = this.#machine.step(input, view);
    // Several writes to one socket become one system call.
    const isCorked = effects.length > 2;
    const server = this.#server;
    if (isCorked) {
      this.#client.cork();
      server?.cork();
    }
    for (const effect of effects) this.#carryOut(effect);
    if (isCorked) {
      this.#client.uncork();
      server?.uncork();
    }
  }

  #carryOut(effect: SessionEffect): void {
    switch (effect.kind) {
      case 'to-server':
        if (this.#server?.write(effect.bytes) === false) this.#client.pause();
        break;
      case 'to-client':
        if (!this.#client.write(effect.bytes)) this.#server?.pause();
        break;
      case 'turn-started':
        this.#startTurn(effect.head);
        break;
      case 'turn-ended':
        this.#endTurn();
        break;
      case 'logged-in':
        break;
      case 'held':
        this.#awaitConfirmation();
        break;
      case 'read-client':
        this.#mayReadClient = effect.on;
        this.#balance();
        break;
      case 'read-server':
        this.#mayReadServer = effect.on;
        this.#balance();
        break;
      case 'error':
        this.#sayError(effect.code, effect.sequence);
        break;
      case 'close':
        this.#close();
        break;
      case 'abort':
        this.#host.log('session-aborted', { reason: effect.reason, peer: this.peer });
        this.#client.destroy();
        this.#drop();
        break;
      default:
        assertNever(effect);
    }
  }

  #startTurn(head: number): void {
    this.#head = head;
    if (this.#isOnPrimary) {
      this.#needRound(head);
      this.#setInTurn(true);
    }
    if (!this.#machine.isLoggedIn) return;
    this.#busySinceMs ??= this.#host.nowMs;
    this.#deadlineMs = Number.POSITIVE_INFINITY;
  }

  /** One that begins after now, asked for unless a commit or the answer to another command is expected to bring it. */
  #needRound(head: number): void {
    const { gate, usesLease } = this.#host;
    const isBrought = this.#host.isCrowded || this.#forecast.expectsCommit(head);
    this.#isRoundRequested = !usesLease && !isBrought;
    if (this.#isRoundRequested) this.#round = this.#host.requestRound();
    else this.#round = usesLease ? null : gate.nextRound;
  }

  #setInTurn(isInTurn: boolean): void {
    if (this.#isInTurn === isInTurn) return;
    this.#isInTurn = isInTurn;
    this.#host.countTurn(isInTurn ? 1 : -1);
  }

  #endTurn(): void {
    this.#unhold();
    this.#setInTurn(false);
    const { connectionId } = this.#machine;
    if (this.#isOnPrimary && connectionId !== null) {
      this.#forecast.learn(this.#head, this.#host.answered(connectionId));
    }
    if (!this.#machine.inTransaction) this.#busySinceMs = null;
    const { idleTimeoutMs } = this.#host.limits;
    const isIdle = this.#machine.phase === 'idle' && idleTimeoutMs > 0;
    this.#deadlineMs = isIdle ? this.#host.nowMs + idleTimeoutMs : Number.POSITIVE_INFINITY;
    this.#host.settled();
  }

  #awaitConfirmation(): void {
    this.#isHeld = true;
    this.#host.gate.countHeld(1);
    if (!this.#isRoundRequested) {
      const requested = this.#host.requestRound();
      this.#isRoundRequested = true;
      // Whatever confirms the round that was needed all along will do: this one, or a commit before it.
      this.#round ??= requested;
    }
    if (this.#round !== null) this.#host.awaitRound(this, this.#round);
  }

  #unhold(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#host.gate.countHeld(-1);
  }

  /** Reads each side as far as the machine wants it and the other side takes it. */
  #balance(): void {
    const server = this.#server;
    if (this.#state === 'open' && this.#mayReadClient && server?.writableNeedDrain !== true) {
      this.#client.resume();
    } else if (this.#state === 'open') this.#client.pause();
    if (this.#mayReadServer && !this.#client.writableNeedDrain) server?.resume();
    else server?.pause();
  }

  #sayError(code: ClientErrorCode, sequence: number): void {
    const isDenied = code === 'PROXY_ACCESS_DENIED';
    const detail = isDenied ? { detail: accessDeniedText(this.#machine.user) } : {};
    this.#client.write(encodeClientError({ code, sequence, ...detail }));
  }

  /** Before there is a greeting: the ERR stands in its place. */
  #refuse(code: ClientErrorCode): void {
    this.#detach();
    this.#host.gate.countRefused();
    this.#sayError(code, 0);
    this.#close();
  }

  /** The client may still be sending; it is read and ignored for a while, or a reset would swallow the last error. */
  #close(): void {
    this.#detach();
    this.#state = 'closing';
    this.#deadlineMs = this.#host.nowMs + lingerMs;
    this.#unhold();
    this.#client.end();
    this.#client.resume();
    this.#host.settled();
  }

  /** The client is gone, or must go. */
  #drop(): void {
    if (this.#state === 'closed') return;
    this.#detach();
    this.#state = 'closed';
    this.#unhold();
    this.#client.destroy();
    this.#host.closed(this);
    this.#host.settled();
  }

  #detach(): void {
    const server = this.#server;
    if (server === null) return;
    this.#server = null;
    this.#setInTurn(false);
    const isLocalReadOnly = this.#binding?.permission?.kind === 'read-only';
    this.#binding = null;
    if (isLocalReadOnly) {
      this.#host.letReadOnlyServerGo(server, this.#machine.connectionId);
    } else if (this.#machine.phase === 'quit') server.destroySoon();
    else server.destroy();
  }
}
