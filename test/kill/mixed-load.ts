import { setTimeout as delay } from 'node:timers/promises';
import type { Connection } from 'mysql2/promise';
import { SeededRandom } from '../../base/random.ts';
import { connectApp } from '../support/app-connection.ts';
import type { BinraftCluster } from '../support/binraft-cluster.ts';

const rowsMax = 10_000;
const readsPerTransaction = 8;
const retryPauseMs = 100;

/**
 * Sessions that read and write small transactions, as sysbench's `oltp_read_write` does, through the read-write ports of all nodes
 * in turn. Sessions that fail are opened again.
 */
export class MixedLoad implements AsyncDisposable {
  transactions = 0;
  failures = 0;
  readonly #cluster: BinraftCluster;
  readonly #stop = new AbortController();
  readonly #sessions: Promise<void>[];

  private constructor(cluster: BinraftCluster, threads: number) {
    this.#cluster = cluster;
    this.#sessions = Array.from({ length: threads }, (_, thread) => this.#run(thread));
  }

  static async start(cluster: BinraftCluster, threads: number): Promise<MixedLoad> {
    const { ports } = await cluster.leader();
    await using session = await connectApp(cluster, ports.readWrite);
    await session.query('CREATE DATABASE IF NOT EXISTS soak');
    await session.query(
      'CREATE TABLE IF NOT EXISTS soak.mixed (id INT PRIMARY KEY, k INT NOT NULL, pad CHAR(180) NOT NULL, KEY (k))',
    );
    await session.query(
      `SET SESSION cte_max_recursion_depth = ${rowsMax + 1}; INSERT IGNORE INTO soak.mixed WITH RECURSIVE numbers (n) AS ` +
        `(SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${rowsMax - 1}) SELECT n, n, SHA2(n, 256) FROM numbers`,
    );
    return new MixedLoad(cluster, threads);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#sessions);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #run(thread: number): Promise<void> {
    const random = new SeededRandom(thread + 1);
    const port = this.#cluster.nodes[thread % this.#cluster.nodes.length]?.readWritePort ?? 0;
    while (!this.#stop.signal.aborted) {
      try {
        await using session = await connectApp(this.#cluster, port);
        while (!this.#stop.signal.aborted) {
          await transaction(session, random);
          this.transactions += 1;
        }
      } catch {
        // Deadlocks are part of the load; so is a session that ends with its primary.
        this.failures += 1;
        await delay(retryPauseMs);
      }
    }
  }
}

async function transaction(session: Connection, random: SeededRandom): Promise<void> {
  const id = (): number => random.below(0, rowsMax);
  await session.query('BEGIN');
  for (let read = 0; read < readsPerTransaction; read += 1) {
    await session.query(`SELECT pad FROM soak.mixed WHERE id = ${id()}`);
  }
  const from = id();
  await session.query(`SELECT SUM(k) FROM soak.mixed WHERE id BETWEEN ${from} AND ${from + 99}`);
  await session.query(`UPDATE soak.mixed SET k = k + 1 WHERE id = ${id()}`);
  const replaced = id();
  await session.query(
    `REPLACE INTO soak.mixed VALUES (${replaced}, ${id()}, SHA2(${replaced}, 256))`,
  );
  await session.query('COMMIT');
}
