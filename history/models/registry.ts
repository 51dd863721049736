import { HistoryModelError } from '../errors.ts';
import type { HistoryValue, Operation } from '../history.ts';
import { consistencyLevels } from '../list-append/consistency.ts';
import { formatValue, isArray } from '../values.ts';
import type { Model } from '../verdict.ts';
import { setFullLevels } from './set-full.ts';

/** What a person may say about a model; which model takes which option is told when it does not fit. */
export interface ModelOptions {
  readonly consistency?: string | null;
  /** Value of a register before the first write. */
  readonly initial?: HistoryValue | undefined;
  /** What all accounts of a bank hold together. */
  readonly total?: number | bigint | undefined;
}

interface Entry {
  /** Consistency levels it takes, the strictest first, which is the default. */
  readonly levels: readonly string[];
  readonly takes: readonly ('initial' | 'total')[];
  readonly load: (options: ModelOptions) => Promise<Model>;
}

export const modelNames = [
  'register',
  'cas-register',
  'mutex',
  'counter',
  'bank',
  'set',
  'set-full',
  'list-append',
  'long-fork',
  'prefix',
] as const;
export type ModelName = (typeof modelNames)[number];

const none = { levels: [], takes: [] };

const entries: Readonly<Record<ModelName, Entry>> = {
  register: {
    levels: [],
    takes: ['initial'],
    load: async ({ initial = null }) => (await import('./register.ts')).createRegister({ initial }),
  },
  'cas-register': {
    levels: [],
    takes: ['initial'],
    load: async ({ initial = null }) =>
      (await import('./register.ts')).createCasRegister({ initial }),
  },
  mutex: { ...none, load: async () => (await import('./mutex.ts')).createMutex() },
  counter: { ...none, load: async () => (await import('./counter.ts')).createCounter() },
  bank: {
    levels: [],
    takes: ['total'],
    load: async ({ total }) =>
      (await import('./bank.ts')).createBank(total === undefined ? {} : { total }),
  },
  set: { ...none, load: async () => (await import('./set.ts')).createSet() },
  'set-full': {
    levels: setFullLevels,
    takes: [],
    load: async ({ consistency }) =>
      (await import('./set-full.ts')).createSetFull({ level: levelOf(setFullLevels, consistency) }),
  },
  'list-append': {
    levels: consistencyLevels,
    takes: [],
    load: async ({ consistency }) =>
      (await import('../list-append/list-append-model.ts')).createListAppendModel({
        consistency: levelOf(consistencyLevels, consistency),
      }),
  },
  'long-fork': {
    ...none,
    load: async () => (await import('./long-fork.ts')).createLongForkModel(),
  },
  prefix: { ...none, load: async () => (await import('./prefix.ts')).createPrefix() },
};

/** A model by its name; its code is loaded only now. */
export function loadModel(name: string, options: ModelOptions = {}): Promise<Model> {
  const known = modelNames.find((one) => one === name);
  if (known === undefined) {
    throw new HistoryModelError(`there is no model "${name}": choose ${modelNames.join(', ')}`);
  }
  const { levels, takes, load } = entries[known];
  const { consistency = null } = options;
  if (consistency !== null && !levels.includes(consistency)) {
    const choice = levels.length === 0 ? 'takes no --consistency' : `knows ${levels.join(', ')}`;
    throw new HistoryModelError(`${name} ${choice}, not "${consistency}"`);
  }
  for (const option of ['initial', 'total'] as const) {
    if (options[option] === undefined || takes.includes(option)) continue;
    throw new HistoryModelError(`${name} takes no --${option}`);
  }
  return load(options);
}

function levelOf<Level extends string>(
  levels: readonly [Level, ...Level[]],
  asked: string | null | undefined,
): Level {
  return levels.find((level) => level === asked) ?? levels[0];
}

/** The model that fits what was done; an error that says what was done when none does. */
export function guessModel(operations: readonly Operation[]): ModelName {
  const done = new Set(operations.map(({ f }) => f));
  const isWithin = (...known: readonly string[]): boolean =>
    [...done].every((f) => known.includes(f));
  if (isWithin('read', 'write')) return 'register';
  if (isWithin('read', 'write', 'cas')) return 'cas-register';
  if (isWithin('acquire', 'release')) return 'mutex';
  if (isWithin('read', 'transfer')) return 'bank';
  if (isWithin('add', 'read')) return guessOfAdds(operations);
  if (done.has('append') && isWithin('append', 'read', 'read-latest')) return 'prefix';
  if ([...done].every((f) => f === 'txn' || f === 'read' || f === 'write')) {
    return guessOfTransactions(operations);
  }
  const names = [...done].map((f) => `"${f}"`).join(', ');
  throw new HistoryModelError(
    `no model is known for operations ${names}: name one with --model (${modelNames.join(', ')})`,
  );
}

/** Reads of a set are collections, reads of a counter are numbers. Reads while adds still run are worth judging each. */
function guessOfAdds(operations: readonly Operation[]): ModelName {
  const reads = operations.filter(({ f, outcome }) => f === 'read' && outcome === 'ok');
  const [first] = reads;
  if (first !== undefined && !isArray(first.output)) return 'counter';
  const lastAddAt = operations.findLast(({ f }) => f === 'add')?.callAt ?? 0;
  return first !== undefined && first.callAt < lastAddAt ? 'set-full' : 'set';
}

function guessOfTransactions(operations: readonly Operation[]): ModelName {
  const steps = new Set<HistoryValue>();
  for (const { input } of operations) {
    if (!isArray(input)) continue;
    for (const step of input) if (isArray(step)) steps.add(step[0] ?? null);
  }
  if (steps.has('append') || !steps.has('w')) return 'list-append';
  if ([...steps].every((step) => step === 'w' || step === 'r')) return 'long-fork';
  const found = [...steps].map((step) => formatValue(step, 20)).join(', ');
  throw new HistoryModelError(
    `no model is known for transactions of ${found}: name one with --model (${modelNames.join(', ')})`,
  );
}
