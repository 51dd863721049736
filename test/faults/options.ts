import { parseArgs } from 'node:util';
import { tickMsMax, tickMsMin } from '../../cli/config-schema.ts';
import { workloadNames } from './load/workload.ts';
import { catalogue, type NemesisEntry } from './nemesis/catalogue.ts';

/** What `npm run test:faults` was asked for. */
export interface FaultOptions {
  readonly nodes: 3 | 5;
  readonly minutes: number;
  readonly workloads: readonly string[];
  readonly nemeses: readonly NemesisEntry[];
  readonly ratePerSecond: number;
  readonly seed: number;
  /** Null: a temporary folder, told at the end. */
  readonly out: string | null;
  readonly basePort: number;
  /** Of the nodes' Raft; null: as nodes come. A machine that is busy with other things needs longer ones. */
  readonly tickMs: number | null;
  /** Null: namespaces where they can be made, link proxies elsewhere. */
  readonly network: 'namespaces' | 'link-proxies' | null;
}

export const usage: string = `usage: npm run test:faults -- [--nodes 3|5] [--minutes M] [--workload W,…|all] [--nemesis N,…|all|none]
       [--rate R] [--seed S] [--out DIR] [--base-port P] [--network namespaces|link-proxies] [--tick-ms T]
nemeses: ${catalogue.map(({ name }) => name).join(', ')}; one variant alone: partition:ring`;

const minutesMax = 24 * 60;
const rateMax = 10_000;
const basePortMax = 31_000;

/** The options, or everything that is wrong with them, a line each. Pure. */
export function parseOptions(
  args: readonly string[],
  knownWorkloads: readonly string[],
): FaultOptions | readonly string[] {
  let values: ReturnType<typeof readArgs>;
  try {
    values = readArgs(args);
  } catch (thrown) {
    return [thrown instanceof Error ? thrown.message : String(thrown)];
  }
  const faults: string[] = [];
  const number = (name: string, text: string, [low, high]: readonly [number, number]): number => {
    const value = Number(text);
    if (Number.isFinite(value) && value >= low && value <= high) return value;
    faults.push(`--${name} is ${text}; allowed: ${low} to ${high}`);
    return low;
  };
  const workloads = values.workload === 'all' ? knownWorkloads : values.workload.split(',');
  for (const name of workloads) {
    if (!knownWorkloads.includes(name)) {
      faults.push(`--workload has ${name}; allowed: ${knownWorkloads.join(', ')}, all`);
    }
  }
  if (values.nodes !== '3' && values.nodes !== '5') {
    faults.push(`--nodes is ${values.nodes}; allowed: 3, 5`);
  }
  const network = networkNamed(values.network, faults);
  const nemeses = nemesesNamed(values.nemesis, faults);
  const options: FaultOptions = {
    nodes: values.nodes === '5' ? 5 : 3,
    minutes: number('minutes', values.minutes, [0.5, minutesMax]),
    workloads,
    nemeses,
    ratePerSecond: number('rate', values.rate, [1, rateMax]),
    seed: Math.floor(number('seed', values.seed ?? String(Date.now() % 2 ** 31), [0, 2 ** 32 - 1])),
    out: values.out ?? null,
    network,
    basePort: Math.floor(number('base-port', values['base-port'], [1024, basePortMax])),
    tickMs:
      values['tick-ms'] === undefined
        ? null
        : Math.floor(number('tick-ms', values['tick-ms'], [tickMsMin, tickMsMax])),
  };
  return faults.length > 0 ? faults : options;
}

/** The command that asks for the same once more. */
export function commandLine(options: FaultOptions): string {
  const { nodes, minutes, workloads, nemeses, ratePerSecond, seed, network, tickMs } = options;
  const named = nemeses.map(({ name, variants }) => {
    const known = catalogue.find((entry) => entry.name === name);
    return known?.variants.length === variants.length ? name : `${name}:${variants.join()}`;
  });
  const isAll = nemeses.length === catalogue.length && named.every((name) => !name.includes(':'));
  return [
    'npm run test:faults --',
    `--nodes ${nodes} --minutes ${minutes} --rate ${ratePerSecond} --seed ${seed}`,
    `--workload ${workloads.length === workloadNames.length ? 'all' : workloads.join()}`,
    `--nemesis ${isAll ? 'all' : named.join() || 'none'}`,
    ...(network === null ? [] : [`--network ${network}`]),
    ...(tickMs === null ? [] : [`--tick-ms ${tickMs}`]),
  ].join(' ');
}

function readArgs(args: readonly string[]): {
  readonly nodes: string;
  readonly minutes: string;
  readonly workload: string;
  readonly nemesis: string;
  readonly rate: string;
  readonly seed?: string;
  readonly out?: string;
  readonly 'base-port': string;
  readonly network?: string;
  readonly 'tick-ms'?: string;
} {
  return parseArgs({
    args: [...args],
    options: {
      nodes: { type: 'string', default: '3' },
      minutes: { type: 'string', default: '3' },
      workload: { type: 'string', default: 'all' },
      nemesis: { type: 'string', default: 'all' },
      rate: { type: 'string', default: '200' },
      seed: { type: 'string' },
      out: { type: 'string' },
      network: { type: 'string' },
      'tick-ms': { type: 'string' },
      'base-port': { type: 'string', default: '24000' },
    },
  }).values;
}

function networkNamed(text: string | undefined, faults: string[]): FaultOptions['network'] {
  const network = (['namespaces', 'link-proxies'] as const).find((kind) => kind === text);
  if (network === undefined && text !== undefined) {
    faults.push(`--network is ${text}; allowed: namespaces, link-proxies`);
  }
  return network ?? null;
}

/** `all`, `none`, or names, each alone or with one variant: `kill,partition:ring`. */
function nemesesNamed(text: string, faults: string[]): readonly NemesisEntry[] {
  if (text === 'none') return [];
  if (text === 'all') return catalogue;
  return text.split(',').flatMap((named) => {
    const [name = '', variant] = named.split(':');
    const entry = catalogue.find((known) => known.name === name);
    if (entry === undefined) {
      const allowed = catalogue.map((known) => known.name).join(', ');
      faults.push(`--nemesis has ${name}; allowed: ${allowed}, all, none`);
      return [];
    }
    if (variant === undefined) return [entry];
    if (entry.variants.includes(variant)) return [{ ...entry, variants: [variant] }];
    faults.push(`--nemesis has ${named}; variants of ${name}: ${entry.variants.join(', ')}`);
    return [];
  });
}
