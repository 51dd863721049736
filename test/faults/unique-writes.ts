import { createConnection } from 'mysql2/promise';
import { type Verdict, verify } from '../kill/verify.ts';
import { Workload } from '../kill/workload.ts';
import { servingLeader } from './nemesis/serving-leader.ts';
import { settled } from './settled.ts';
import type { FaultSite } from './site.ts';

const writers = 8;
const table = 'faults.unique_writes';
/** What a write takes, beside the pause behind it. */
const writeMs = 5;

/** Inserts of unique rows through the read-write ports of all nodes, held against what is there in the end. */
export class UniqueWrites implements AsyncDisposable {
  readonly #site: FaultSite;
  readonly #workload: Workload;

  private constructor(site: FaultSite, ratePerSecond: number) {
    this.#site = site;
    this.#workload = new Workload({
      ports: site.nodes.map(({ readWritePort }) => readWritePort),
      hosts: site.nodes.map(({ host }) => host),
      user: site.appUser,
      password: site.appPassword,
      writers,
      table,
      pauseMs: Math.max(0, (writers * 1000) / ratePerSecond - writeMs),
    });
  }

  static async start(site: FaultSite, ratePerSecond: number): Promise<UniqueWrites> {
    const { id } = await servingLeader(site);
    const leader = site.nodes.find((node) => node.id === id);
    const session = await createConnection({
      host: leader?.host ?? '',
      port: leader?.readWritePort ?? 0,
      user: site.appUser,
      password: site.appPassword,
    });
    try {
      await session.query('CREATE DATABASE IF NOT EXISTS faults');
      await session.query(`DROP TABLE IF EXISTS ${table}`);
      await session.query(
        `CREATE TABLE ${table} (id VARCHAR(40) PRIMARY KEY, writer_note VARCHAR(80) NOT NULL)`,
      );
    } finally {
      session.destroy();
    }
    return new UniqueWrites(site, ratePerSecond);
  }

  counts(): { readonly ok: number; readonly failed: number; readonly unknown: number } {
    const { history } = this.#workload;
    const ok = history.ackTimesMs.length;
    const failed = history.count('failed');
    return { ok, failed, unknown: history.outcomes.size - ok - failed };
  }

  /** Longest time without an acknowledged write that touches these times. */
  writeGapMs(fromMs: number, toMs: number): number {
    return this.#workload.history.writeGapMs(fromMs, toMs);
  }

  /** Ends the writers; the cluster must be whole again. */
  async judge(): Promise<Verdict> {
    const history = await this.#workload.stop();
    const { nodes, appPassword } = this.#site;
    const cluster = {
      appPassword,
      settled: () => settled(this.#site),
      hostOf: (id: string) => nodes.find((node) => node.id === id)?.host ?? '',
    };
    return await verify(cluster, table, [history]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#workload.stop();
  }
}
