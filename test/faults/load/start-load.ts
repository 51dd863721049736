import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { SeededRandom } from '../../../base/random.ts';
import { until } from '../../support/eventually.ts';
import { unlessAborted } from '../../support/unless-aborted.ts';
import type { ClientConfig } from './client-config.ts';
import { ClientSlot, sumOfCounts } from './client-slot.ts';
import { type ClientWorkload, readWriteSession } from './client-workload.ts';
import { mergeLogs } from './merge-logs.ts';
import { OperationLog } from './operation-log.ts';
import { prepareSite } from './prepare-site.ts';
import { shareRate } from './rate.ts';
import { Tally } from './recorder.ts';
import { openSession, readFinally } from './sessions.ts';
import { clientsMax, UniqueNumbers } from './unique-numbers.ts';
import type {
  LoadCounts,
  LoadOptions,
  LoadSite,
  NemesisNote,
  RecordedLoad,
  RecordedStream,
  RunningLoad,
  WorkloadName,
} from './workload.ts';
import { workloadNamed } from './workloads/registry.ts';

const clientCount = 3;
const finalReadsMaxMs = 180_000;
const finalStatementMs = 60_000;
const nanosPerMs = 1e6;

/** Streams that a workload records besides the one of its own name. */
const workloadOfStream: Readonly<Record<string, WorkloadName>> = {
  'ddl-rows': 'ddl',
  'ddl-alter': 'ddl',
};

/** Makes the tables, starts the client processes, and settles when operations of each of them end well. */
export async function startLoad(site: LoadSite, options: LoadOptions): Promise<RunningLoad> {
  const workloads = options.workloads.map(workloadNamed);
  const { signal = new AbortController().signal } = options;
  await unlessAborted(signal, prepareSite(site, workloads));
  await mkdir(join(options.out, 'clients'), { recursive: true });
  const load = new Load(site, options, workloads);
  try {
    await until(
      () => load.isFlowing || signal.aborted,
      'every client process had an operation that ended well',
    );
    signal.throwIfAborted();
  } catch (thrown) {
    await load[Symbol.asyncDispose]();
    throw thrown;
  }
  return load;
}

class Load implements RunningLoad {
  readonly #site: LoadSite;
  readonly #options: LoadOptions;
  readonly #workloads: readonly ClientWorkload[];
  readonly #originNanos = process.hrtime.bigint();
  readonly #originMs = performance.now();
  readonly #slots: readonly ClientSlot[];
  /** When the clients were told to stop. */
  #stoppedNanos: number | null = null;

  constructor(site: LoadSite, options: LoadOptions, workloads: readonly ClientWorkload[]) {
    this.#site = site;
    this.#options = options;
    this.#workloads = workloads;
    const doomed = workloads.filter(({ isDoomed }) => isDoomed);
    const lasting = workloads.filter(({ isDoomed }) => !isDoomed);
    this.#slots = [
      ...(lasting.length === 0
        ? []
        : Array.from({ length: clientCount }, (_, client) =>
            this.#slot(client, lasting, clientCount),
          )),
      ...(doomed.length === 0 ? [] : [this.#slot(clientCount, doomed, 1)]),
    ];
  }

  get isFlowing(): boolean {
    return this.#slots.every(({ counts, problems }) => counts.ok > 0 || problems.length > 0);
  }

  counts(): LoadCounts {
    return sumOfCounts(this.#slots.map(({ counts }) => counts));
  }

  async quiesce(): Promise<void> {
    if (this.#stoppedNanos !== null) return;
    this.#stoppedNanos = Number(process.hrtime.bigint() - this.#originNanos);
    await Promise.all(this.#slots.map((slot) => slot.stop()));
  }

  async stop(notes: readonly NemesisNote[] = []): Promise<RecordedLoad> {
    await this.quiesce();
    const stoppedNanos = this.#stoppedNanos ?? 0;
    const problems = this.#slots.flatMap((slot) => slot.problems);
    problems.push(...(await this.#readFinally()));
    const logs = [...this.#slots.map((_, client) => client), clientsMax - 1].map((client) =>
      this.#logFile(client),
    );
    const timed = notes.map(({ atMs, ...note }) => ({
      ...note,
      timeNanos: Math.round((atMs - this.#originMs) * nanosPerMs),
    }));
    const { streamFiles, ...files } = await mergeLogs(logs, timed, this.#options.out);
    const streams = [...streamFiles].flatMap(([stream, file]) => {
      const workload =
        workloadOfStream[stream] ?? this.#options.workloads.find((name) => name === stream);
      return workload === undefined ? [] : [{ workload, stream, file }];
    });
    const place = ({ workload }: RecordedStream): number =>
      this.#options.workloads.indexOf(workload);
    streams.sort((one, other) => place(one) - place(other));
    const { originMs, counts } = { originMs: this.#originMs, counts: this.counts() };
    return { ...files, streams, originMs, stoppedNanos, counts, problems };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#slots.map((slot) => slot.kill()));
  }

  #slot(client: number, workloads: readonly ClientWorkload[], processes: number): ClientSlot {
    const { ratePerSecond, seed, plannedMs } = this.#options;
    const rates = shareRate(ratePerSecond, this.#workloads);
    const config: Omit<ClientConfig, 'life'> = {
      site: this.#site,
      workloads: workloads.map(({ name }) => {
        const totalPerSecond = rates.get(name) ?? 0;
        return { name, totalPerSecond, ratePerSecond: totalPerSecond / processes };
      }),
      seed,
      client,
      originNanos: String(this.#originNanos),
      logFile: this.#logFile(client),
      plannedMs,
    };
    return new ClientSlot({ config, isDoomed: workloads.some(({ isDoomed }) => isDoomed) });
  }

  #logFile(client: number): string {
    const name = client === clientsMax - 1 ? 'final' : `client-${client}`;
    return join(this.#options.out, 'clients', `${name}.jsonl`);
  }

  /** In this process: there is no nemesis any more. Answers what could not be read. */
  async #readFinally(): Promise<readonly string[]> {
    const client = clientsMax - 1;
    using log = new OperationLog(this.#logFile(client), this.#originNanos);
    const host = {
      site: this.#site,
      log,
      tally: new Tally(),
      processNumbers: new UniqueNumbers(client, 0),
      elements: new UniqueNumbers(client, 0),
      plannedSeconds: this.#options.plannedMs / 1000,
    };
    const signal = AbortSignal.timeout(finalReadsMaxMs);
    const rates = shareRate(this.#options.ratePerSecond, this.#workloads);
    const unread: string[] = [];
    for (const workload of this.#workloads) {
      const kind = workload.sessions.find(({ port }) => port === 'read-write');
      const open = openSession(
        host,
        {
          ...(kind ?? readWriteSession({ begin: neverBegun })),
          statementTimeoutMs: finalStatementMs,
        },
        {
          random: new SeededRandom(this.#options.seed),
          ratePerSecond: rates.get(workload.name) ?? 0,
        },
      );
      if (!(await readFinally(open, workload, signal))) {
        unread.push(
          `the final read of ${workload.name} did not end well within ${finalReadsMaxMs} ms`,
        );
      }
      open.session.drop();
    }
    return unread;
  }
}

function neverBegun(): never {
  throw new Error('the final reads have no steps');
}
