import { spawn } from 'node:child_process';
import { messageOf } from '../../base/errors.ts';

/** What a program that ran to its end left behind. */
export interface ProgramResult {
  /** Exit status; null when a signal or our deadline ended it, or it could not be started. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Why there is no status: the signal, the deadline, or why it could not be started. */
  readonly failure: string | null;
}

export interface RunOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** Added to the environment this process has. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** More output than this is cut: no program asked here has more to say that matters. */
const outputBytesMax = 4 * 1024 * 1024;

/** Runs a program to its end. Never rejects: that it failed is part of the result. */
export function runProgram(
  command: readonly string[],
  options: RunOptions,
): Promise<ProgramResult> {
  // `env` adds to the environment, so that proxies and the like which the user set stay in force.
  const assignments = Object.entries(options.environment ?? {}).map((pair) => pair.join('='));
  const [program = '', ...args] =
    assignments.length === 0 ? command : ['env', ...assignments, ...command];
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: options.timeoutMs,
      killSignal: 'SIGKILL',
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8');
      child[name].on('data', (text: string) => {
        if (output[name].length < outputBytesMax) output[name] += text;
      });
    }
    child.on('error', (error) => resolve({ ...output, status: null, failure: messageOf(error) }));
    child.on('close', (status, signal) => {
      const failure = signal === null ? null : `ended by ${signal}`;
      resolve({ ...output, status, failure });
    });
  });
}

/** The last words of a program that failed, for an error message. */
export function failureOf(result: ProgramResult): string {
  const words = result.stderr.trim().split('\n').slice(-4).join(' / ');
  return result.failure ?? (words === '' ? `exit status ${result.status}` : words);
}
