import type { LogFields } from '../../base/logger.ts';
import { encodeClientError } from '../mysql-errors.ts';
import type { PortName, ProxyLimits } from '../options.ts';
import type { BlockingSession, ProxyView } from '../proxy-api.ts';
import { SharedGate } from '../shared-gate.ts';
import { SharedTimings } from '../shared-timings.ts';
import { type Binding, bind, isRemoved, isStillWanted } from './binding.ts';
import { ReadOnlyServers } from './read-only-servers.ts';
import { RoundQueue } from './round-queue.ts';
import { Session, type SessionHost } from './session.ts';
import type { SessionSocket, SessionWorld } from './session-socket.ts';
import type { FromWorker, ToWorker, WorkerSettings } from './worker-messages.ts';

/** Time-outs are looked at this often. */
export const sweepMs = 100;
/** Sessions named to an operator when they stand in the way; more are of no use. */
const blockingMax = 20;
/** From so many commands with the primary at once, one more asks for its round when its answer is there (proxy/DESIGN.md). */
const crowd = 4;

/** All sessions of one worker, and what the main thread orders of them. */
export class SessionTable implements SessionHost {
  readonly gate: SharedGate;
  readonly world: SessionWorld;
  readonly limits: ProxyLimits;
  readonly usesLease: boolean;
  readonly reservedUsers: readonly string[];
  readonly #settings: WorkerSettings;
  readonly #post: (message: FromWorker) => void;
  readonly #sessions = new Set<Session>();
  readonly #rounds: RoundQueue;
  readonly #timings: SharedTimings;
  readonly #readNowMs: () => number;
  readonly #readOnlyServers: ReadOnlyServers;
  #view: ProxyView = { readWrite: null, readOnly: null };
  #nowMs: number;
  #sessionsEver = 0;
  #turns = 0;
  #isClosing = false;
  /** Statements are held, and the main thread has not been told yet that this worker is quiet. */
  #mustTellQuiet = false;
  #isEndingReadOnly = false;

  constructor(settings: WorkerSettings, post: (message: FromWorker) => void, world: SessionWorld) {
    this.#settings = settings;
    this.world = world;
    this.#nowMs = this.#monotonicMs();
    this.#post = post;
    this.gate = new SharedGate(settings.gateBuffer);
    this.#timings = new SharedTimings(settings.timingsBuffer);
    this.#readNowMs = () => this.#monotonicMs();
    this.limits = settings.limits;
    this.usesLease = settings.readMode === 'lease';
    this.reservedUsers = settings.reservedUsers;
    this.#rounds = new RoundQueue(this.gate, settings.worker);
    this.#readOnlyServers = new ReadOnlyServers(() => this.#checkReadOnlyEnded());
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  get isCrowded(): boolean {
    return this.#turns >= crowd;
  }

  countTurn(change: 1 | -1): void {
    this.#turns += change;
  }

  get isEmpty(): boolean {
    return this.#sessions.size === 0;
  }

  /** Nothing here has a time-out, so that sweeps may rest until something comes. */
  get isIdle(): boolean {
    return this.isEmpty && !this.#isEndingReadOnly;
  }

  accept(client: SessionSocket, port: PortName): void {
    if (this.#isClosing || !this.gate.admitSession(port, this.limits.sessionsMax)) {
      this.gate.countRefused();
      refuse(client);
      return;
    }
    const { worker, workers } = this.#settings;
    this.#sessionsEver += 1;
    const session = new Session(this.#sessionsEver * workers + worker, client, port, this);
    this.#sessions.add(session);
    session.attach();
  }

  receive(message: Exclude<ToWorker, { readonly kind: 'close' }>): void {
    switch (message.kind) {
      case 'confirmed':
        this.#rounds.releaseConfirmed();
        break;
      case 'view':
        this.#view = message.view;
        this.#forEach((session) => session.reconsider());
        break;
      case 'gate-changed':
        if (this.gate.epoch('gate') === 0) this.#rounds.clear();
        this.#forEach((session) => session.reconsider());
        break;
      case 'hold':
        this.#mustTellQuiet = true;
        this.settled();
        break;
      case 'report-blocking':
        this.#post({ kind: 'blocking', sessions: this.#blocking() });
        break;
      case 'hold-ended':
        this.#endHold(message.isHandedOver);
        break;
      case 'end-read-only':
        this.#endReadOnly();
        break;
      default:
        message satisfies never;
    }
  }

  /** Called every `sweepMs`, and before the first session that comes behind a rest. */
  sweep(): void {
    this.#nowMs = this.#monotonicMs();
    this.#forEach((session) => session.sweep());
    if (!this.#isEndingReadOnly) return;
    const connectionIds = this.#readOnlyServers.connectionIds();
    if (connectionIds.length > 0) this.#post({ kind: 'lingering', connectionIds });
  }

  close(): void {
    this.#isClosing = true;
    this.#forEach((session) => session.end('closing'));
  }

  // What sessions ask for.

  bind(port: PortName): Binding | null {
    return bind(port, this.#view, this.gate);
  }

  isRemoved(port: PortName): boolean {
    return isRemoved(port, this.#view);
  }

  isStillWanted(binding: Binding, port: PortName): boolean {
    return isStillWanted(binding, port, this.#view);
  }

  requestRound(): bigint {
    const { round, mustWake } = this.gate.requestRound();
    if (mustWake) this.#post({ kind: 'round-wanted' });
    return round;
  }

  awaitRound(session: Session, round: bigint): void {
    this.#rounds.add(session, round);
  }

  letReadOnlyServerGo(server: SessionSocket, connectionId: number | null): void {
    this.#readOnlyServers.letGo(server, connectionId);
  }

  answered(connectionId: number): boolean {
    return this.#timings.answered(connectionId, this.#readNowMs);
  }

  settled(): void {
    if (!this.#mustTellQuiet) return;
    for (const session of this.#sessions) {
      if (session.isBusyOnPrimary) return;
    }
    this.#mustTellQuiet = false;
    this.#post({ kind: 'quiet' });
  }

  closed(session: Session): void {
    if (this.#sessions.delete(session)) this.gate.leaveSession(session.port);
  }

  log(event: string, fields: LogFields): void {
    this.#post({ kind: 'log', event, fields });
  }

  #monotonicMs(): number {
    return Number(this.world.monotonicNs()) / 1e6;
  }

  /** Over a copy, as sessions may end meanwhile. */
  #forEach(callback: (session: Session) => void): void {
    for (const session of [...this.#sessions]) callback(session);
  }

  #blocking(): BlockingSession[] {
    const sessions: BlockingSession[] = [];
    for (const session of this.#sessions) {
      if (sessions.length === blockingMax) break;
      if (session.isBusyOnPrimary) sessions.push(session.describe());
    }
    return sessions;
  }

  #endHold(isHandedOver: boolean): void {
    this.#mustTellQuiet = false;
    this.#forEach((session) => {
      const isOnPrimary = session.binding?.permission?.kind === 'gate';
      if (isHandedOver && isOnPrimary) session.end('moved');
      else session.holdEnded();
    });
  }

  #endReadOnly(): void {
    this.#isEndingReadOnly = true;
    this.#forEach((session) => session.reconsider());
    this.#checkReadOnlyEnded();
  }

  #checkReadOnlyEnded(): void {
    if (!this.#isEndingReadOnly || !this.#readOnlyServers.isEmpty) return;
    this.#isEndingReadOnly = false;
    this.#post({ kind: 'read-only-ended' });
  }
}

function refuse(client: SessionSocket): void {
  client.on('error', () => client.destroy());
  client.end(encodeClientError({ code: 'PROXY_TOO_MANY_SESSIONS', sequence: 0 }));
  // Whoever does not read its refusal is not waited for.
  client.setTimeout(1_000, () => client.destroy());
  client.resume();
  client.on('end', () => client.destroySoon());
}
