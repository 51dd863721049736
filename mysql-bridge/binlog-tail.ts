import { assert } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import { messageOf } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import { type LogIndex, type Term, term as termOf } from '../raft/core/types.ts';
import type { ProposalReceipt, Raft, RaftStatus } from '../raft/raft-api.ts';
import type {
  AssemblerEffect,
  PayloadEffect,
  TransactionReceivedEffect,
} from './binlog/assembler-effects.ts';
import type { Gtid } from './binlog/gtid.ts';
import { GtidSet } from './binlog/gtid-set.ts';
import type { BinlogPosition } from './binlog/position.ts';
import { TransactionAssembler } from './binlog/transaction-assembler.ts';
import type { Tail } from './bridge-parts.ts';
import { DumpClient, type DumpOptions } from './dump-client.ts';
import type { TailTimings } from './latency/commit-timings.ts';
import type { InternalAccount } from './mysql-server.ts';
import { ProposalOutbox, type ProposedTransaction } from './proposal-outbox.ts';
import type { PacketPiece } from './protocol/packet-piece.ts';
import { AckGate } from './semisync/ack-gate.ts';
import { UnackedTransactions } from './unacked-transactions.ts';

export interface BinlogTailOptions {
  readonly socketPath: string;
  readonly account: InternalAccount;
  /** Differ from every server's own. */
  readonly serverId: number;
  readonly replicaUuid: string;
  readonly raft: Pick<Raft, 'propose' | 'onChange' | 'status'>;
  /** Whether the committed log holds this transaction. */
  readonly isLogged: (gtid: Gtid) => boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  /** `DumpClient.open`, unless a test has a dump of its own. */
  readonly openDump?: (options: DumpOptions) => Promise<Dump>;
  /** Event bytes per entry; see `TransactionAssembler`. */
  readonly fragmentBytesMax?: number;
  readonly timings?: TailTimings;
  readonly commitRounds?: TailRounds;
}

/** Who takes a commit for a confirmation of leadership. */
export interface TailRounds {
  /** Calls `propose` and answers what it answers. */
  propose(propose: () => ProposalReceipt): ProposalReceipt;
  /** This node leads in this term, and acks follow. */
  committed(commitIndex: LogIndex, term: Term): void;
}

/** The part of a dump client that a tail uses. */
export type Dump = Pick<
  DumpClient,
  'start' | 'isPaused' | 'pause' | 'resume' | 'sendAck' | 'close'
>;

/** What is received beyond this waits in the server. */
const outboxBytesMax = 8 * 1024 * 1024;
const heartbeatPeriodMs = 1000;
const loginTimeoutMs = 5000;

type Mode =
  /** The server is a replica: what arrives is an errant write, which gets no ack. */
  | { readonly kind: 'guard' }
  | {
      readonly kind: 'propose';
      readonly outbox: ProposalOutbox;
      readonly gate: AckGate;
      readonly term: number;
    }
  /** Leadership ended with commits waiting: nothing is proposed or acked any more on this connection. */
  | { readonly kind: 'shut' };

/**
 * The bridge posing as the only semisync replica of its server, for one life of that server: receives its binlog, proposes
 * each transaction, and acks a position when everything up to it is committed. It is attached while the server is a replica
 * too: a server whose only semisync replica never acks cannot commit an errant write.
 */
export class BinlogTail implements Tail {
  readonly #options: BinlogTailOptions;
  readonly #assembler: TransactionAssembler;
  #client: Dump | null = null;
  #mode: Mode = { kind: 'guard' };
  #formatDescription: Uint8Array | null = null;
  #isClosed = false;
  #unsubscribe: () => void = () => undefined;
  #onLost: (reason: string) => void = () => undefined;
  #onErrant: (gtid: Gtid) => void = () => undefined;
  #onReused: (gtid: Gtid) => void = () => undefined;
  /** Proposed on this connection, committed or not. */
  readonly #proposedGtids = new GtidSet();
  #receivedEnd: BinlogPosition | null = null;
  readonly #unacked = new UnackedTransactions();

  constructor(options: BinlogTailOptions) {
    this.#options = options;
    const { fragmentBytesMax } = options;
    this.#assembler = new TransactionAssembler({
      hasSemisyncHeader: true,
      ...(fragmentBytesMax !== undefined && { fragmentBytesMax }),
    });
  }

  /** The server's FORMAT_DESCRIPTION event, once it came. */
  get formatDescription(): Uint8Array | null {
    return this.#formatDescription;
  }

  /** Transactions received and not yet acked. */
  get unackedCount(): number {
    if (this.#mode.kind !== 'propose') return 0;
    return this.#mode.gate.pendingCount + this.#mode.outbox.transactions;
  }

  get receivedEnd(): BinlogPosition | null {
    return this.#receivedEnd;
  }

  passedWithoutAck(executed: GtidSet): Gtid | null {
    return this.#unacked.oldestIn(executed);
  }

  onLost(listener: (reason: string) => void): void {
    this.#onLost = listener;
  }

  onErrant(listener: (gtid: Gtid) => void): void {
    this.#onErrant = listener;
  }

  onReused(listener: (gtid: Gtid) => void): void {
    this.#onReused = listener;
  }

  /** Settles when the server counts this connection as its semisync replica. */
  async attach(exclude: GtidSet): Promise<void> {
    const { socketPath, raft, openDump = DumpClient.open, ...options } = this.#options;
    const client = await openDump({
      ...options,
      endpoint: { kind: 'unix', path: socketPath },
      heartbeatPeriodMs,
      isSemisync: true,
      loginTimeoutMs,
    });
    if (this.#isClosed) {
      await client.close();
      return;
    }
    this.#client = client;
    this.#unsubscribe = raft.onChange((status) => this.#onRaft(status));
    client.start(exclude.encode(), {
      onPieces: (pieces) => this.#receive(pieces),
      onEnd: (error) => this.#lose(error === null ? 'closed' : messageOf(error)),
    });
  }

  beginProposing(term: number): boolean {
    if (this.#mode.kind === 'shut') return false;
    assert(this.#mode.kind === 'guard', 'a tail proposes after it guarded');
    const { raft, commitRounds } = this.#options;
    const inTerm = termOf(term);
    this.#options.timings?.begin();
    this.#mode = {
      kind: 'propose',
      term,
      gate: new AckGate({ term: inTerm }),
      outbox: new ProposalOutbox(inTerm, (payloads) => {
        const propose = (): ProposalReceipt => raft.propose(payloads);
        return commitRounds === undefined ? propose() : commitRounds.propose(propose);
      }),
    };
    this.#onRaft(raft.status);
    return true;
  }

  stopAcks(): void {
    // With nothing un-acked the server may go on as a replica, guarded again; else it must die before anything else happens.
    if (this.#mode.kind === 'propose') {
      this.#mode = this.unackedCount === 0 ? { kind: 'guard' } : { kind: 'shut' };
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#mode = { kind: 'shut' };
    this.#unsubscribe();
    this.#client?.close().catch(() => undefined);
    this.#client = null;
  }

  #receive(pieces: readonly PacketPiece[]): void {
    for (const piece of pieces) {
      for (const effect of this.#assembler.step(piece)) this.#carryOut(effect);
    }
    this.#flush();
  }

  #carryOut(effect: AssemblerEffect): void {
    const mode = this.#mode;
    switch (effect.kind) {
      case 'payload':
        if (mode.kind === 'propose') this.#propose(mode.outbox, effect);
        else if (mode.kind === 'guard') this.#refuseErrant(effect.payload.gtid);
        return;
      case 'transaction-received':
        if (mode.kind !== 'propose') return;
        this.#endTransaction(mode.outbox, effect);
        return;
      case 'format-description':
        this.#formatDescription = effect.event;
        return;
      case 'fault':
        this.#lose(`${effect.code}: ${effect.reason}`);
        return;
      default:
        return;
    }
  }

  /**
   * A GTID names one transaction for ever (HAZARDS G6). A server whose GTIDs were reset hands them out again; in the log, a second
   * one would end every node that reads it.
   */
  #propose(outbox: ProposalOutbox, { payload, encoded }: PayloadEffect): void {
    const { gtid, fragment, isFinal } = payload;
    const isReused =
      fragment === 0 && (this.#proposedGtids.has(gtid) || this.#options.isLogged(gtid));
    if (isReused) {
      this.#mode = { kind: 'shut' };
      this.#onReused(gtid);
      return;
    }
    if (isFinal) this.#proposedGtids.add(gtid);
    outbox.add(encoded);
  }

  #endTransaction(outbox: ProposalOutbox, effect: TransactionReceivedEffect): void {
    const { gtid, end: position, needsAck, connectionId, commitTimestampUs } = effect;
    this.#receivedEnd = position;
    this.#unacked.received(gtid, position);
    const receivedAtMs = this.#options.timings?.received(commitTimestampUs) ?? 0;
    outbox.endTransaction({ position, needsAck, connectionId, receivedAtMs });
  }

  #refuseErrant(gtid: Gtid): void {
    this.#mode = { kind: 'shut' };
    this.#onErrant(gtid);
  }

  #onRaft(status: RaftStatus): void {
    const mode = this.#mode;
    if (mode.kind !== 'propose') return;
    if (status.role !== 'leader' || status.term !== mode.term) {
      this.#endLeadership();
      return;
    }
    const { commitIndex, term } = status;
    this.#options.commitRounds?.committed(commitIndex, term);
    const acks = mode.gate.step({ kind: 'committed', commitIndex, term });
    if (acks.length > 0) this.#options.timings?.acking(commitIndex);
    this.#ack(acks);
    this.#flush();
  }

  #endLeadership(): void {
    const mode = this.#mode;
    if (mode.kind !== 'propose') return;
    const isClean = this.unackedCount === 0;
    mode.gate.step({ kind: 'leadership-ended' });
    this.#mode = isClean ? { kind: 'guard' } : { kind: 'shut' };
  }

  #flush(): void {
    const mode = this.#mode;
    if (mode.kind !== 'propose') return;
    const outcome = mode.outbox.flush((transaction) => this.#proposed(mode.gate, transaction));
    if (outcome.kind === 'not-leading') {
      this.#options.logger.warn('tail-shut', {
        reason: outcome.reason,
        unacked: this.unackedCount,
      });
      this.#endLeadership();
      // Raft may lead on, as when it was about to hand over: then nobody else would notice that commits wait for ever.
      this.#onLost(`cannot propose: ${outcome.reason}`);
      return;
    }
    const isFull = mode.outbox.bytes > outboxBytesMax;
    if (isFull && this.#client?.isPaused === false) this.#client.pause();
    if (!isFull && this.#client?.isPaused === true) this.#client.resume();
  }

  #proposed(gate: AckGate, proposed: ProposedTransaction): void {
    const { position, lastIndex, term, needsAck } = proposed;
    this.#options.timings?.proposed(proposed);
    this.#ack(gate.step({ kind: 'received', position, lastIndex, term, needsAck }));
  }

  #ack(effects: ReturnType<AckGate['step']>): void {
    for (const { position } of effects) {
      this.#unacked.acking(position);
      this.#client?.sendAck(position);
    }
  }

  #lose(reason: string): void {
    if (this.#isClosed) return;
    this.close();
    this.#onLost(reason);
  }
}
