import { SystemClock } from '../../../base/clock.ts';
import { type Deferred, deferred } from '../../../base/deferred.ts';
import { codeOf } from '../../../base/errors.ts';
import type { Gtid } from '../../../mysql-bridge/binlog/gtid.ts';
import { GtidSet } from '../../../mysql-bridge/binlog/gtid-set.ts';
import type { BinlogPosition } from '../../../mysql-bridge/binlog/position.ts';
import { TransactionAssembler } from '../../../mysql-bridge/binlog/transaction-assembler.ts';
import { DumpClient } from '../../../mysql-bridge/dump-client.ts';
import type { TestMySql } from '../../support/mysql-server.ts';
import type { DumpUnderTest, Received } from './cases/mysql-under-test.ts';

export interface DumpedTransaction extends Received {
  readonly end: BinlogPosition;
  /** Where in its file it begins. */
  readonly start: number;
}

export interface RealDumpOptions {
  readonly mysql: TestMySql;
  readonly serverId: number;
  readonly replicaUuid: string;
  readonly isSemisync: boolean;
  readonly excludesExecuted: boolean;
  readonly nameOf: (gtid: Gtid) => string;
}

const clock = new SystemClock();

/** A dump of a real server, as a replica gets it. */
export class RealDump implements DumpUnderTest {
  readonly #client: DumpClient;
  readonly #assembler: TransactionAssembler;
  readonly #nameOf: (gtid: Gtid) => string;
  readonly #ended = deferred<string>();
  #wake: Deferred<void> = deferred();
  /** Of the present case. */
  transactions: DumpedTransaction[] = [];
  isAcknowledging = false;
  isEnded = false;

  private constructor(client: DumpClient, options: RealDumpOptions) {
    this.#client = client;
    this.#assembler = new TransactionAssembler({ hasSemisyncHeader: options.isSemisync });
    this.#nameOf = options.nameOf;
  }

  static async open(options: RealDumpOptions): Promise<RealDump> {
    const { mysql, serverId, replicaUuid, isSemisync } = options;
    const client = await DumpClient.open({
      endpoint: { kind: 'unix', path: mysql.server.socketPath },
      account: mysql.account,
      serverId,
      replicaUuid,
      heartbeatPeriodMs: 100,
      isSemisync,
      loginTimeoutMs: 10_000,
      clock,
    });
    const executed = GtidSet.parse(await client.executedGtids());
    const exclude = options.excludesExecuted ? executed : new GtidSet();
    const dump = new RealDump(client, options);
    client.start(exclude.encode(), {
      onPieces: (pieces) => {
        for (const piece of pieces) dump.#take(piece);
      },
      onEnd: (error) => dump.#end(error),
    });
    return dump;
  }

  async received(count: number): Promise<readonly Received[]> {
    while (this.transactions.length < count) await this.#wake.promise;
    return [...this.transactions];
  }

  ack(count: number): void {
    const transaction = this.transactions[count - 1];
    if (transaction === undefined) throw new Error(`no transaction ${count} was received`);
    this.#client.sendAck(transaction.end);
  }

  ackAll(): void {
    if (this.transactions.length > 0 && !this.isEnded) this.ack(this.transactions.length);
  }

  ended(): Promise<string> {
    return this.#ended.promise;
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  #take(piece: Parameters<TransactionAssembler['step']>[0]): void {
    for (const effect of this.#assembler.step(piece)) {
      if (effect.kind === 'fault') throw new Error(`the dump is faulty: ${effect.reason}`);
      if (effect.kind !== 'transaction-received') continue;
      const { gtid, needsAck, end, transactionBytes } = effect;
      const bytes = Number(transactionBytes);
      const start = Number(end.offset) - bytes;
      this.transactions.push({ gtid: this.#nameOf(gtid), needsAck, bytes, end, start });
      if (this.isAcknowledging) this.#client.sendAck(end);
      this.#wake.resolve();
      this.#wake = deferred();
    }
  }

  #end(error: Error | null): void {
    this.isEnded = true;
    const [, number] = /with (\d+) /.exec(error?.message ?? '') ?? [];
    this.#ended.resolve(number ?? codeOf(error) ?? 'closed');
  }
}
