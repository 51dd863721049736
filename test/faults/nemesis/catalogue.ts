// What can be done to a cluster, by name. Pure: the plan is made of it, and so are the command's options.

/** Faults of one family never overlap: they would undo each other. */
export type Family = 'network' | 'process' | 'leadership' | 'membership' | 'sql' | 'disk' | 'clock';

export interface NemesisEntry {
  readonly name: string;
  readonly family: Family;
  readonly variants: readonly string[];
  /** How long one lasts, in milliseconds. */
  readonly lastsMs: readonly [low: number, high: number];
}

export const partitionVariants = [
  'leader-in-minority',
  'leader-in-majority',
  'halves',
  'isolate-one',
  'bridge',
  'ring',
  'leader-mute',
  'leader-deaf',
  'flapping',
  'everyone-alone',
] as const;
export type PartitionVariant = (typeof partitionVariants)[number];

export const victims = ['leader', 'follower', 'majority', 'all'] as const;
export type Victims = (typeof victims)[number];

export const processParts = ['sidecar', 'mysqld', 'both'] as const;
export type ProcessPart = (typeof processParts)[number];

export const diskFaults = ['full', 'hangs', 'slow', 'fails'] as const;
export type DiskFault = (typeof diskFaults)[number];

const diskVariants: readonly string[] = ['leader', 'follower'].flatMap((whom) =>
  ['log', 'mysql'].flatMap((part) => diskFaults.map((fault) => `${whom}-${part}-${fault}`)),
);

export const clockFaults = ['forward', 'backward', 'fast', 'slow'] as const;

const clockVariants: readonly string[] = ['leader', 'follower', 'all'].flatMap((whom) =>
  clockFaults.map((fault) => `${whom}-${fault}`),
);

export const sqlVariants = [
  'kill-storm',
  'flush-logs',
  'shutdown',
  'semisync-off',
  'writable-follower',
  'other-engine',
  'other-engine-by-admin',
  'xa',
  'rogue-replica',
  'rogue-that-leaves',
  'rogue-on-follower',
  'unlogged-on-primary',
  'unlogged-on-follower',
] as const;

const processVariants: readonly string[] = victims.flatMap((whom) =>
  processParts.map((part) => `${whom}-${part}`),
);

export const catalogue: readonly NemesisEntry[] = [
  {
    name: 'partition',
    family: 'network',
    variants: partitionVariants,
    lastsMs: [5_000, 12_000],
  },
  { name: 'loss', family: 'network', variants: ['5%', '20%'], lastsMs: [5_000, 12_000] },
  { name: 'delay', family: 'network', variants: ['50ms', '200ms'], lastsMs: [5_000, 12_000] },
  { name: 'sessions', family: 'network', variants: ['to-leader'], lastsMs: [5_000, 10_000] },
  { name: 'kill', family: 'process', variants: processVariants, lastsMs: [3_000, 6_000] },
  { name: 'terminate', family: 'process', variants: processVariants, lastsMs: [3_000, 6_000] },
  { name: 'pause', family: 'process', variants: processVariants, lastsMs: [3_000, 12_000] },
  { name: 'transfer', family: 'leadership', variants: ['loop'], lastsMs: [5_000, 10_000] },
  {
    name: 'membership',
    family: 'membership',
    variants: ['follower', 'leader'],
    lastsMs: [5_000, 10_000],
  },
  { name: 'sql', family: 'sql', variants: sqlVariants, lastsMs: [4_000, 8_000] },
  { name: 'disk', family: 'disk', variants: diskVariants, lastsMs: [5_000, 10_000] },
  { name: 'clock', family: 'clock', variants: clockVariants, lastsMs: [5_000, 10_000] },
];

/** Whom and what a variant of `kill`, `terminate` and `pause` means. */
export function processVariant(variant: string): {
  readonly whom: Victims;
  readonly part: ProcessPart;
} {
  const whom = victims.find((name) => variant.startsWith(`${name}-`));
  const part = processParts.find((name) => variant.endsWith(`-${name}`));
  if (whom === undefined || part === undefined) throw new Error(`no such variant: ${variant}`);
  return { whom, part };
}
