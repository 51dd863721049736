import { BytesError, concatBytes } from '../../../base/bytes.ts';
import { EventType } from '../../../mysql-bridge/binlog/event-types.ts';
import type { Gtid } from '../../../mysql-bridge/binlog/gtid.ts';
import { GtidSet } from '../../../mysql-bridge/binlog/gtid-set.ts';
import { eventTypeAt, readGtidAt, readQueryAt, u32At } from './event-reader.ts';
import type { GtidState } from './gtid-state.ts';
import type { ReplicaApplier } from './replica-applier.ts';
import type { ServerLife } from './server-life.ts';
import { SimError, type SimRow } from './statements.ts';

type ReceiverState = 'stopped' | 'connecting' | 'running';

/** A transaction that is being received. */
interface Arriving {
  readonly gtid: Gtid;
  readonly events: Uint8Array[];
  hasBegun: boolean;
}

/**
 * The receiver: connects to the source with what it does not need (GTID auto-position), gathers whole transactions, and hands
 * them to the applier. What arrived in part when the connection ends is dropped.
 */
export class ReplicaReceiver {
  readonly #life: ServerLife;
  readonly #gtids: GtidState;
  readonly #applier: ReplicaApplier;
  readonly #nextConnection: () => number;
  #state: ReceiverState = 'stopped';
  #error: number | null = null;
  #connection: number | null = null;
  #arriving: Arriving | null = null;
  #isDropping = false;
  #retrieved = new GtidSet();
  #cancelRetry: (() => void) | null = null;

  constructor(options: {
    readonly life: ServerLife;
    readonly gtids: GtidState;
    readonly applier: ReplicaApplier;
    readonly nextConnection: () => number;
  }) {
    this.#life = options.life;
    this.#gtids = options.gtids;
    this.#applier = options.applier;
    this.#nextConnection = options.nextConnection;
  }

  start(): void {
    if (this.#state !== 'stopped') return;
    this.#error = null;
    this.#connect();
  }

  stop(): void {
    if (this.#connection !== null) {
      this.#life.emit({ kind: 'source-close', connection: this.#connection });
    }
    this.#disconnect();
    this.#cancelRetry?.();
    this.#cancelRetry = null;
    this.#state = 'stopped';
  }

  /** RESET REPLICA ALL. */
  forget(): void {
    this.#retrieved = new GtidSet();
    this.#error = null;
  }

  connected(connection: number): void {
    if (connection === this.#connection) this.#state = 'running';
  }

  /** `error` 1236 is the source's refusal: the receiver stops for good. */
  lost(connection: number, error: number | null): void {
    if (connection !== this.#connection) return;
    this.#disconnect();
    this.#error = error;
    if (error === SimError.dumpFatal) {
      this.#state = 'stopped';
      return;
    }
    this.#state = 'connecting';
    this.#cancelRetry = this.#life.timer('connect-retry', this.#life.identity.connectRetryMs, () =>
      this.#connect(),
    );
  }

  receive(connection: number, event: Uint8Array): void {
    if (connection !== this.#connection) return;
    this.#state = 'running';
    this.#error = null;
    const type = eventTypeAt(event);
    switch (type) {
      case EventType.rotate:
      case EventType.formatDescription:
        if (type === EventType.rotate) this.#applier.beginFile();
        return;
      case EventType.previousGtids:
      case EventType.heartbeat:
      case EventType.heartbeatV2:
      case EventType.stop:
        return;
      case EventType.gtid:
        this.#begin(event);
        return;
      default:
        this.#continue(event, type);
    }
  }

  statusRows(): readonly SimRow[] {
    return [
      ['receiver', this.#state],
      ['receiver_error', this.#error === null ? '' : String(this.#error)],
      ['retrieved', this.#retrieved.toString().replaceAll(/\s/g, '')],
    ];
  }

  #connect(): void {
    this.#cancelRetry = null;
    this.#state = 'connecting';
    this.#connection = this.#nextConnection();
    const exclude = this.#gtids.executed.union(this.#retrieved);
    this.#life.emit({ kind: 'source-connect', connection: this.#connection, exclude });
  }

  #disconnect(): void {
    this.#connection = null;
    this.#arriving = null;
    this.#isDropping = false;
  }

  #begin(event: Uint8Array): void {
    const { identity } = this.#life;
    // Silently, and with the threads running (MySQL manual, `replicate_same_server_id`).
    this.#isDropping = !identity.replicateSameServerId && u32At(event, 5) === identity.serverId;
    this.#arriving = this.#isDropping
      ? null
      : { gtid: readGtidAt(event, 0), events: [event], hasBegun: false };
  }

  #continue(event: Uint8Array, type: number): void {
    if (this.#isDropping) return;
    const arriving = this.#arriving;
    if (arriving === null) throw new BytesError(`event type ${type} outside a transaction`);
    arriving.events.push(event);
    const isStatement = type === EventType.query;
    const isBegin = isStatement && readQueryAt(event, 0).statement === 'BEGIN';
    const isEnd = type === EventType.xid || (isStatement && !isBegin && !arriving.hasBegun);
    if (isBegin) arriving.hasBegun = true;
    if (!isEnd) return;
    this.#arriving = null;
    this.#retrieved.add(arriving.gtid);
    this.#applier.add(arriving.gtid, concatBytes(arriving.events));
  }
}
