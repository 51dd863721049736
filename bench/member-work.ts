import { readFile } from 'node:fs/promises';
import { type ProcessWork, parseProcessWork } from './core/process-text.ts';
import type { Metric } from './core/sample.ts';
import { BenchError } from './errors.ts';

/** `USER_HZ`: what proc(5) counts in on every architecture of Linux that Node runs on. */
const ticksPerSecond = 100;
const kibibyte = 1024;

/** What processes do between now and a later call, divided by how often they did it. */
export class MemberWork {
  readonly #pids: readonly number[];
  readonly #before: ProcessWork;

  private constructor(pids: readonly number[], before: ProcessWork) {
    this.#pids = pids;
    this.#before = before;
  }

  /** Rejects with BENCH_LOAD_FAILED when one of them is gone; so does `per`. */
  static async begin(pids: readonly number[]): Promise<MemberWork> {
    return new MemberWork(pids, await workOf(pids));
  }

  async per(count: number): Promise<Partial<Record<Metric, number>>> {
    const now = await workOf(this.#pids);
    const before = this.#before;
    return {
      cpuMicroseconds: ((now.cpuTicks - before.cpuTicks) / ticksPerSecond / count) * 1e6,
      diskKiB: (now.diskBytes - before.diskBytes) / kibibyte / count,
      writtenKiB: (now.writtenBytes - before.writtenBytes) / kibibyte / count,
    };
  }
}

async function workOf(pids: readonly number[]): Promise<ProcessWork> {
  const works = await Promise.all(pids.map((pid) => workOfOne(pid)));
  const sum = (key: keyof ProcessWork): number => works.reduce((all, work) => all + work[key], 0);
  return {
    cpuTicks: sum('cpuTicks'),
    diskBytes: sum('diskBytes'),
    writtenBytes: sum('writtenBytes'),
  };
}

async function workOfOne(pid: number): Promise<ProcessWork> {
  const read = (name: string): Promise<string> =>
    readFile(`/proc/${pid}/${name}`, 'utf8').catch(() => '');
  const work = parseProcessWork(await read('stat'), await read('io'));
  if (work !== null) return work;
  throw new BenchError('BENCH_LOAD_FAILED', `process ${pid} is gone, or tells nothing in /proc`);
}
