import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../../support/eventually.ts';
import type { ClockFault, FaultClocks } from '../site.ts';

// The wall clock of each sidecar, and of it alone, through libfaketime: the monotonic clock and mysqld keep true time.

/** Where Debian puts it, by architecture. */
const libraries = ['x86_64', 'aarch64'].map(
  (machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketimeMT.so.1`,
);
/** The rate is named too: it would stay what it was. */
const trueTime = '+0 x1';
/** A `Date` header is made once a second, and libfaketime looks at its file once a second. */
const exactMs = 4_000;
/** A node that is down, by another fault, tells no time until it is back. */
const changeSeenMs = 60_000;
/** Long enough for a rate to be told from whole seconds. */
const rateMs = 5_000;

interface ClockOwner {
  readonly id: string;
  readonly directory: string;
  readonly host: string;
  readonly ports: { readonly admin: number };
}

export function canUseClocks(): boolean {
  return libraries.some((path) => existsSync(path));
}

export class Clocks implements FaultClocks {
  readonly #owners: readonly ClockOwner[];

  constructor(owners: readonly ClockOwner[]) {
    this.#owners = owners;
    for (const owner of owners) this.#write(owner, trueTime);
  }

  /** The library is for this process alone: mysqld does not even initialise with it. */
  readonly nodeOptions: readonly string[] = [
    '--import',
    'data:text/javascript,delete process.env.LD_PRELOAD',
  ];

  /** What a node's process needs in its environment. */
  environment(id: string): Readonly<Record<string, string>> {
    const library = libraries.find((path) => existsSync(path));
    if (library === undefined) throw new Error('there is no libfaketime');
    return {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: this.#file(this.#owner(id)),
      FAKETIME_CACHE_DURATION: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
  }

  async set(id: string, fault: ClockFault): Promise<boolean> {
    const owner = this.#owner(id);
    this.#write(
      owner,
      `${fault.offsetSeconds < 0 ? '' : '+'}${fault.offsetSeconds} x${fault.rate}`,
    );
    if (fault.rate !== 1) return await this.#runsAt(owner, fault.rate);
    return await this.#isOff(owner, fault.offsetSeconds * 1000);
  }

  async reset(id: string): Promise<boolean> {
    const owner = this.#owner(id);
    this.#write(owner, trueTime);
    return await this.#isOff(owner, 0);
  }

  async #isOff(owner: ClockOwner, offsetMs: number): Promise<boolean> {
    const seen = eventually(
      async () => Math.abs((await clockOf(owner)) - Date.now() - offsetMs) < exactMs || null,
      `the clock of ${owner.id} is ${offsetMs} ms off`,
      changeSeenMs,
    );
    return await seen.catch(() => false);
  }

  async #runsAt(owner: ClockOwner, rate: number): Promise<boolean> {
    const seen = eventually(
      async () => {
        // Its file has been read by then.
        await delay(exactMs / 2);
        const before = await clockOf(owner);
        await delay(rateMs);
        const passedMs = (await clockOf(owner)) - before;
        return (rate > 1 ? passedMs > rateMs * 1.3 : passedMs < rateMs * 0.7) || null;
      },
      `the clock of ${owner.id} runs at ${rate}`,
      changeSeenMs,
    );
    return await seen.catch(() => false);
  }

  #owner(id: string): ClockOwner {
    const found = this.#owners.find((owner) => owner.id === id);
    if (found === undefined) throw new Error(`no node ${id}`);
    return found;
  }

  #file({ directory }: ClockOwner): string {
    return join(directory, 'clock');
  }

  #write(owner: ClockOwner, text: string): void {
    writeFileSync(this.#file(owner), `${text}\n`);
  }
}

/** The sidecar's wall clock, as the `Date` of its answers tells it. */
async function clockOf({ host, ports }: ClockOwner): Promise<number> {
  const response = await fetch(`http://${host}:${ports.admin}/health`, {
    signal: AbortSignal.timeout(exactMs),
  });
  await response.body?.cancel();
  const date = response.headers.get('date');
  if (date === null) throw new Error('an answer without a date');
  return Date.parse(date);
}
