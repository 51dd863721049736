import { TransactionAssembler } from '../../../mysql-bridge/binlog/transaction-assembler.ts';
import { term } from '../../../raft/core/types.ts';
import {
  replicationAccount,
  startSource,
  type TestSource,
} from '../../integration/source-support.ts';
import type { TestMySql } from '../../support/mysql-server.ts';
import type { SimStatement } from './statements.ts';
import type { Upstream } from './upstream.ts';

const logTerm = 1;

/** The source of a real server: the product's, over a log that holds what a simulated server wrote. */
export class RealSource implements AsyncDisposable {
  readonly upstream: Upstream;
  readonly #source: TestSource;
  readonly #assembler = new TransactionAssembler({ hasSemisyncHeader: false });
  #piecesTaken = 0;

  private constructor(source: TestSource, upstream: Upstream) {
    this.#source = source;
    this.upstream = upstream;
  }

  static async open(formatFrom: TestMySql, upstream: Upstream): Promise<RealSource> {
    const source = await startSource(formatFrom);
    source.raft.change({ term: term(logTerm) });
    source.raft.append(logTerm, null);
    source.raft.commit();
    return new RealSource(source, upstream);
  }

  /** What makes a server follow it. */
  get followSql(): readonly string[] {
    const { user, password } = replicationAccount;
    return [
      'STOP REPLICA',
      'RESET REPLICA ALL',
      `CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1', SOURCE_PORT = ${this.#source.port},
       SOURCE_USER = '${user}', SOURCE_PASSWORD = '${password}', SOURCE_SSL = 0, SOURCE_AUTO_POSITION = 1,
       SOURCE_CONNECT_RETRY = 1, SOURCE_HEARTBEAT_PERIOD = 0.2`,
      'START REPLICA',
    ];
  }

  async commit(statement: SimStatement): Promise<void> {
    const { raft, ledger } = this.#source;
    this.upstream.commit(statement);
    const pieces = this.upstream.pieces.slice(this.#piecesTaken);
    this.#piecesTaken = this.upstream.pieces.length;
    for (const effect of pieces.flatMap((piece) => this.#assembler.step(piece))) {
      if (effect.kind === 'fault') throw new Error(`the source's dump: ${effect.reason}`);
      if (effect.kind === 'payload') raft.append(logTerm, effect.encoded.slice());
    }
    raft.commit();
    await ledger.caughtUpTo(raft.status.commitIndex);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#source[Symbol.asyncDispose]();
  }
}
