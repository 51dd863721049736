import { assert } from '../../../base/assert.ts';
import type { Gtid } from '../../../mysql-bridge/binlog/gtid.ts';
import type { BinlogPosition } from '../../../mysql-bridge/binlog/position.ts';
import { TransactionAssembler } from '../../../mysql-bridge/binlog/transaction-assembler.ts';
import type { PacketPiece } from '../../../mysql-bridge/protocol/packet-piece.ts';
import type { DumpUnderTest, Received } from './cases/mysql-under-test.ts';

/** How a dump reaches its server. */
export interface DumpChannel {
  readonly session: number;
  ack(position: BinlogPosition): void;
  close(): void;
  nameOf(gtid: Gtid): string;
}

interface DumpedTransaction extends Received {
  readonly end: BinlogPosition;
  readonly file: string;
  /** Where in the file it begins. */
  readonly start: number;
}

/** A dump of the simulated server, read by the product's assembler. */
export class SimDump implements DumpUnderTest {
  readonly #channel: DumpChannel;
  readonly #assembler: TransactionAssembler;
  readonly transactions: DumpedTransaction[] = [];
  #ended: string | null = null;
  #acked = 0;

  constructor(channel: DumpChannel, isSemisync: boolean) {
    this.#channel = channel;
    this.#assembler = new TransactionAssembler({ hasSemisyncHeader: isSemisync });
  }

  get session(): number {
    return this.#channel.session;
  }

  receive(pieces: readonly PacketPiece[]): void {
    for (const piece of pieces) {
      for (const effect of this.#assembler.step(piece)) {
        const fault = effect.kind === 'fault' ? effect.reason : null;
        assert(fault === null, `the dump is faulty: ${fault}`);
        if (effect.kind !== 'transaction-received') continue;
        const { gtid, needsAck, end } = effect;
        const bytes = Number(effect.transactionBytes);
        const start = Number(end.offset) - bytes;
        const name = this.#channel.nameOf(gtid);
        this.transactions.push({ gtid: name, needsAck, end, bytes, file: end.file, start });
      }
    }
  }

  end(reason: string): void {
    this.#ended ??= reason;
  }

  received(count: number): Promise<readonly Received[]> {
    assert(this.transactions.length >= count, `${this.transactions.length} transactions came`);
    return Promise.resolve([...this.transactions]);
  }

  ack(count: number): void {
    const transaction = this.transactions[count - 1];
    assert(transaction !== undefined, `a transaction ${count} was received`);
    this.#acked = Math.max(this.#acked, count);
    this.#channel.ack(transaction.end);
  }

  ackAll(): void {
    if (this.#ended !== null || this.transactions.length <= this.#acked) return;
    this.ack(this.transactions.length);
  }

  ended(): Promise<string> {
    assert(this.#ended !== null, 'the dump was ended');
    return Promise.resolve(this.#ended);
  }

  close(): Promise<void> {
    this.#channel.close();
    return Promise.resolve();
  }
}
