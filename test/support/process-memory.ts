import { readdirSync, readFileSync } from 'node:fs';

/** Memory of a process in MiB, as the kernel counts it. */
export interface ProcessMemory {
  /** Everything resident. */
  readonly residentMiB: number;
  /** Of that, what no file is behind: heap, buffers, stacks. Mapped tables of the log can be dropped by the kernel at any time. */
  readonly privateMiB: number;
}

/** `proc(5)`: sums over all mappings. Throws when the process is gone. */
export function memoryOf(pid: number): ProcessMemory {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  return { residentMiB: fieldMiB(text, 'Rss'), privateMiB: fieldMiB(text, 'Anonymous') };
}

/** Open handles of a process, of any kind. */
export function openHandlesOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** How far the memory of some processes rose above where it was at the start. */
export class MemoryWatch implements Disposable {
  readonly #before: ReadonlyMap<number, ProcessMemory>;
  readonly #peaks: Map<number, ProcessMemory>;
  readonly #timer: NodeJS.Timeout;

  constructor(pids: readonly number[], everyMs = 50) {
    this.#before = new Map(pids.map((pid) => [pid, memoryOf(pid)]));
    this.#peaks = new Map(this.#before);
    this.#timer = setInterval(() => this.#sample(), everyMs);
  }

  get rises(): readonly MemoryRise[] {
    return [...this.#peaks].flatMap(([pid, peak]) => {
      const before = this.#before.get(pid);
      return before === undefined ? [] : [{ pid, before, peak }];
    });
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #sample(): void {
    for (const [pid, peak] of this.#peaks) {
      const now = memoryIfAlive(pid);
      if (now === null) continue;
      this.#peaks.set(pid, {
        residentMiB: Math.max(now.residentMiB, peak.residentMiB),
        privateMiB: Math.max(now.privateMiB, peak.privateMiB),
      });
    }
  }
}

export interface MemoryRise {
  readonly pid: number;
  readonly before: ProcessMemory;
  readonly peak: ProcessMemory;
}

function memoryIfAlive(pid: number): ProcessMemory | null {
  try {
    return memoryOf(pid);
  } catch {
    return null;
  }
}

function fieldMiB(text: string, name: string): number {
  const kibibytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1];
  return Math.round(Number(kibibytes ?? 0) / 1024);
}
