import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ClientConfig, FromClient, ToClient } from './client-config.ts';
import type { LoadCounts } from './workload.ts';

const program = fileURLToPath(new URL('./client-process.ts', import.meta.url));
const complaintCharactersMax = 2_000;
const none: LoadCounts = { ok: 0, writes: 0, failed: 0, unknown: 0 };

export interface ClientSlotOptions {
  readonly config: Omit<ClientConfig, 'life'>;
  /** Its processes kill themselves, and others take their place. */
  readonly isDoomed: boolean;
}

/** One client process, or one after another that goes on where the one before was killed. */
export class ClientSlot {
  readonly #options: ClientSlotOptions;
  readonly #problems: string[] = [];
  readonly #gone = Promise.withResolvers<void>();
  #child: ChildProcess;
  #life = 0;
  #isStopping = false;
  #earlier: LoadCounts = none;
  #current: LoadCounts = none;

  constructor(options: ClientSlotOptions) {
    this.#options = options;
    this.#child = this.#start();
  }

  get counts(): LoadCounts {
    return sumOfCounts([this.#earlier, this.#current]);
  }

  get problems(): readonly string[] {
    return this.#problems;
  }

  /** Settles when its process is gone. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    if (this.#child.connected) this.#child.send({ kind: 'stop' } satisfies ToClient);
    await this.#gone.promise;
  }

  async kill(): Promise<void> {
    this.#isStopping = true;
    this.#child.kill('SIGKILL');
    await this.#gone.promise;
  }

  #start(): ChildProcess {
    const { config } = this.#options;
    const child = fork(program, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], execArgv: [] });
    let complaints = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      complaints = (complaints + chunk.toString()).slice(-complaintCharactersMax);
    });
    child.on('message', (message: FromClient) => {
      this.#current = message.counts;
    });
    child.once('error', (error) =>
      this.#problems.push(`client ${config.client}: ${error.message}`),
    );
    child.once('close', (status, signal) => this.#ended(status ?? signal ?? 'nothing', complaints));
    child.send({ kind: 'start', config: { ...config, life: this.#life } } satisfies ToClient);
    return child;
  }

  #ended(how: number | string, complaints: string): void {
    const isMeant = how === 'SIGKILL' && (this.#options.isDoomed || this.#isStopping);
    // Whatever it was doing when it was killed, nobody knows what became of it.
    this.#earlier = sumOfCounts([this.counts, { ...none, unknown: Number(isMeant) }]);
    this.#current = none;
    if (how !== 0 && !isMeant) {
      const { client } = this.#options.config;
      this.#problems.push(`client process ${client} ended with ${how}: ${complaints.trim()}`);
    }
    if (isMeant && !this.#isStopping) {
      this.#life += 1;
      this.#child = this.#start();
    } else this.#gone.resolve();
  }
}

export function sumOfCounts(counts: readonly LoadCounts[]): LoadCounts {
  return counts.reduce(
    (sum, { ok, writes, failed, unknown }) => ({
      ok: sum.ok + ok,
      writes: sum.writes + writes,
      failed: sum.failed + failed,
      unknown: sum.unknown + unknown,
    }),
    none,
  );
}
