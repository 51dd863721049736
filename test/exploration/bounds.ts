import type { Cost } from './node-actions.ts';
import type { WorldOptions } from './world.ts';

/** What is explored: the cluster, the faults that may come, where it begins, and how deep it goes. */
export interface Bound {
  readonly name: string;
  readonly root: 'settled' | 'blank';
  readonly world: WorldOptions;
  readonly depthMax: number;
}

const noFaults: Readonly<Record<Cost, number>> = {
  crash: 0,
  alarm: 0,
  transfer: 0,
  kill: 0,
  meddle: 0,
};

/** Deep enough for every state there is, which `explore` then says. */
const unbounded = 1000;

export function boundOf(
  name: string,
  options: {
    readonly transactions: number;
    readonly termMax: number;
    readonly faults?: Partial<Readonly<Record<Cost, number>>>;
    readonly depthMax?: number;
    readonly root?: Bound['root'];
    readonly nodes?: number;
  },
): Bound {
  const { transactions, termMax, faults, depthMax = unbounded } = options;
  return {
    name,
    root: options.root ?? 'settled',
    world: {
      nodes: options.nodes ?? 3,
      transactions,
      termMax,
      budget: { ...noFaults, ...faults },
    },
    depthMax,
  };
}

/** Together about a million states. Pauses, lost and late messages, and leaders that step down are in each of them. */
export const testedBounds: readonly Bound[] = [
  boundOf('two writes and a second leader, whole', { transactions: 2, termMax: 2 }),
  boundOf('a crash and no second leader, whole', {
    transactions: 2,
    termMax: 1,
    faults: { crash: 1 },
  }),
  boundOf('a crash, an alarm, a transfer and a KILL, whole', {
    transactions: 1,
    termMax: 1,
    faults: { crash: 1, alarm: 1, transfer: 1, kill: 1 },
  }),
  boundOf('a crash and an administrator, whole', {
    transactions: 1,
    termMax: 1,
    faults: { crash: 1, meddle: 1 },
  }),
  boundOf('an administrator and a second leader, whole', {
    transactions: 1,
    termMax: 2,
    faults: { meddle: 1 },
  }),
  boundOf('a cluster that starts', {
    transactions: 1,
    termMax: 2,
    faults: { crash: 1 },
    root: 'blank',
    depthMax: 16,
  }),
  boundOf('every fault at once', {
    transactions: 2,
    termMax: 3,
    faults: { crash: 2, alarm: 1, transfer: 1, kill: 1, meddle: 1 },
    depthMax: 7,
  }),
];

/** Whole, and small enough to be searched in both directions; see `recovery.ts`. */
export const recoveredBounds: readonly Bound[] = [
  boundOf('one write and a second leader, whole', { transactions: 1, termMax: 2 }),
  boundOf('a transfer and a second leader, whole', {
    transactions: 1,
    termMax: 2,
    faults: { transfer: 1 },
  }),
  boundOf('a crash and a second leader, whole', {
    transactions: 1,
    termMax: 2,
    faults: { crash: 1 },
  }),
];
