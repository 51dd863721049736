import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { codeOf, messageOf } from '../base/errors.ts';
import { comparisons } from './comparisons/registry.ts';
import { BenchError } from './errors.ts';
import { defaultBasePort, portsUsed } from './ports.ts';

export interface BenchOptions {
  /** Names of comparisons, in their order. */
  readonly chosen: readonly string[];
  readonly threads: readonly number[];
  /** Of loads on Raft alone. */
  readonly clients: readonly number[];
  readonly seconds: number;
  readonly rounds: number;
  readonly faults: number;
  /** Null: all. */
  readonly peers: readonly string[] | null;
  /** What only shows where the ground is takes turns too. */
  readonly withLimits: boolean;
  readonly out: string;
  /** False when the results went elsewhere: the page shows what is beside it. */
  readonly updatesReadme: boolean;
  readonly dataDirectory: string;
  readonly basePort: number;
  /** Null: as `binraft up` finds it. */
  readonly mysqld: string | null;
}

const here = fileURLToPath(new URL('.', import.meta.url));
export const defaultOut: string = resolve(here, 'results');
const threadsMax = 1024;
const secondsMax = 600;
const roundsMax = 100;
const faultsMax = 10_000;
/** Where outgoing connections get their ports, on Linux. */
const outgoingPorts = 32_768;

export const usage: string = `npm run bench -- [${[...comparisons.keys()].join('|')} ...] [options]

  --threads 1,16,64   sessions of each load
  --clients 1,16,64,256   clients of each load on Raft alone
  --seconds 2         length of each load
  --rounds 3          turns of each contender
  --faults 50         how often each kind of failover is measured, over all rounds
  --peers a,b         only these beside our own contenders
  --limits            also what Node alone can reach, to see what is ours to improve
  --out FOLDER        where results go (default: bench/results; only then is bench/README.md brought up to date)
  --data-dir FOLDER   where servers keep their data meanwhile (default: bench/work); its disk is what is measured
  --base-port ${defaultBasePort}   the first of ${portsUsed} ports on loopback
  --mysqld PATH       the server that everybody runs (default: as binraft up finds it)`;

/** BENCH_OPTION names what is wrong, and what is allowed. */
export function readOptions(
  args: readonly string[],
  mysqldOfUser: string | undefined,
): BenchOptions {
  const { values, positionals } = parsed(args);
  const unknown = positionals.find((name) => !comparisons.has(name));
  if (unknown !== undefined) {
    const names = [...comparisons.keys()].join(', ');
    throw new BenchError('BENCH_OPTION', `there is no comparison ${unknown}; there are: ${names}`);
  }
  const out = values.out === undefined ? defaultOut : resolve(values.out);
  return {
    chosen: [...comparisons.keys()].filter(
      (name) => positionals.length === 0 || positionals.includes(name),
    ),
    threads: values.threads
      .split(',')
      .map((text) => wholeNumber('--threads', text, { min: 1, max: threadsMax })),
    clients: values.clients
      .split(',')
      .map((text) => wholeNumber('--clients', text, { min: 1, max: threadsMax })),
    seconds: wholeNumber('--seconds', values.seconds, { min: 1, max: secondsMax }),
    rounds: wholeNumber('--rounds', values.rounds, { min: 1, max: roundsMax }),
    faults: wholeNumber('--faults', values.faults, { min: 1, max: faultsMax }),
    peers: values.peers?.split(',').filter((name) => name !== '') ?? null,
    withLimits: values.limits,
    out,
    updatesReadme: out === defaultOut,
    dataDirectory: resolve(values['data-dir'] ?? resolve(here, 'work')),
    basePort: wholeNumber('--base-port', values['base-port'], {
      min: 1024,
      max: outgoingPorts - portsUsed,
    }),
    mysqld: values.mysqld ?? mysqldOfUser ?? null,
  };
}

function parsed(args: readonly string[]): ReturnType<typeof parse> {
  try {
    return parse(args);
  } catch (cause) {
    if (!(codeOf(cause) ?? '').startsWith('ERR_PARSE_ARGS')) throw cause;
    throw new BenchError('BENCH_OPTION', messageOf(cause), { cause });
  }
}

interface RawOptions {
  readonly values: {
    readonly threads: string;
    readonly clients: string;
    readonly seconds: string;
    readonly rounds: string;
    readonly faults: string;
    readonly peers?: string | undefined;
    readonly limits: boolean;
    readonly out?: string | undefined;
    readonly 'data-dir'?: string | undefined;
    readonly 'base-port': string;
    readonly mysqld?: string | undefined;
  };
  readonly positionals: readonly string[];
}

function parse(args: readonly string[]): RawOptions {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      threads: { type: 'string', default: '1,16,64' },
      clients: { type: 'string', default: '1,16,64,256' },
      seconds: { type: 'string', default: '2' },
      rounds: { type: 'string', default: '3' },
      faults: { type: 'string', default: '50' },
      peers: { type: 'string' },
      limits: { type: 'boolean', default: false },
      out: { type: 'string' },
      'data-dir': { type: 'string' },
      'base-port': { type: 'string', default: String(defaultBasePort) },
      mysqld: { type: 'string' },
    },
  });
}

function wholeNumber(
  option: string,
  text: string,
  allowed: { readonly min: number; readonly max: number },
): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= allowed.min && value <= allowed.max) return value;
  const range = `whole numbers from ${allowed.min} to ${allowed.max}`;
  throw new BenchError('BENCH_OPTION', `${option} is ${text}; allowed: ${range}`);
}
