import { type ChildProcess, spawn } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import type { Turn } from './environment.ts';
import { BenchError } from './errors.ts';

type Surroundings = Pick<Turn, 'clock' | 'signal' | 'launcher'>;

const startTimeoutMs = 15_000;
const readyPollMs = 20;
const lastLines = 5;

/** A server of a contender that is no mysqld: killed with its turn. */
export class BackgroundProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;

  /** As long as it runs. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#exited = new Promise((resolve) => {
      child.once('exit', resolve);
      child.once('error', resolve);
    });
  }

  /** Settles when it accepts connections on `port`; BENCH_START_FAILED has the end of what it said. */
  static async start(
    turn: Surroundings,
    options: {
      readonly command: readonly string[];
      readonly logPath: string;
      readonly port: number;
    },
  ): Promise<BackgroundProcess> {
    const [program = '', ...args] = [...turn.launcher, ...options.command];
    const log = await open(options.logPath, 'a', 0o600);
    const stdio = ['ignore', log.fd, log.fd] as const;
    const child = spawn(program, args, { stdio: [...stdio], detached: true });
    await log.close();
    const started = new BackgroundProcess(child);
    try {
      await started.#untilListening(turn, options);
      return started;
    } catch (thrown) {
      await started[Symbol.asyncDispose]();
      throw thrown;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  async #untilListening(
    turn: Surroundings,
    options: {
      readonly command: readonly string[];
      readonly logPath: string;
      readonly port: number;
    },
  ): Promise<void> {
    const { clock, signal } = turn;
    const untilMs = clock.monotonicMs() + startTimeoutMs;
    while (!(await isListening(options.port))) {
      const isGone = this.#child.exitCode !== null || this.#child.signalCode !== null;
      if (isGone || this.#child.pid === undefined || clock.monotonicMs() > untilMs) {
        const words = await readFile(options.logPath, 'utf8').catch(() => '');
        const last = words.trim().split('\n').slice(-lastLines).join(' / ');
        const name = options.command.find((part) => !part.startsWith('-')) ?? '';
        throw new BenchError('BENCH_START_FAILED', `${name} does not listen: ${last}`);
      }
      await clock.delay(readyPollMs, { signal });
    }
  }
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
