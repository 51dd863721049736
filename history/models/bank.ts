import { HistoryOperationError } from '../errors.ts';
import type { HistoryValue, Operation } from '../history.ts';
import { formatValue, isArray, type ValueKey, valueKey } from '../values.ts';
import type { Model, Verdict } from '../verdict.ts';
import { AnomalyList, outcomeCounts, requireKnown } from './operations.ts';

export interface BankOptions {
  /** What all accounts hold together; that of the first read when not given. */
  readonly total?: number | bigint;
  /** Whether an account may be overdrawn; false when not given. */
  readonly allowsNegative?: boolean;
}

const transfersToldMax = 3;

interface Balances {
  readonly total: bigint;
  readonly accounts: ReadonlySet<ValueKey>;
  /** The first account below zero, if any. */
  readonly overdrawn: HistoryValue | undefined;
}

/**
 * Transfers between accounts keep their total: every read sees all accounts, as of one moment (snapshot isolation and above). A read is
 * a map from accounts to balances.
 */
export function createBank(options: BankOptions = {}): Model {
  return {
    name: 'bank',
    check: (operations) => {
      requireKnown(operations, 'bank', ['read', 'transfer']);
      return checkBank(operations, options);
    },
  };
}

function checkBank(operations: readonly Operation[], options: BankOptions): Verdict {
  const anomalies = new AnomalyList();
  const reads = operations.filter(({ f, outcome }) => f === 'read' && outcome === 'ok');
  const [first] = reads;
  const reference = first === undefined ? null : { read: first, balances: balancesOf(first) };
  for (const read of reads) {
    const balances = balancesOf(read);
    if (balances.overdrawn !== undefined && options.allowsNegative !== true) {
      const account = formatValue(balances.overdrawn);
      anomalies.add('negative-balance', () => ({
        explanation: `account ${account} was below zero`,
        operations: [read],
      }));
    }
    if (reference !== null) {
      compare({ read, balances }, reference, { operations, options, anomalies });
    }
  }
  const counts = outcomeCounts(operations).set('reads', reads.length);
  if (anomalies.isEmpty) return verdictOfNone(reads.length, counts);
  for (const [name, count] of anomalies.counts) counts.set(name, count);
  return { kind: 'invalid', anomalies: anomalies.told, counts };
}

interface BankRead {
  readonly read: Operation;
  readonly balances: Balances;
}

function compare(
  { read, balances }: BankRead,
  reference: BankRead,
  context: {
    readonly operations: readonly Operation[];
    readonly options: BankOptions;
    readonly anomalies: AnomalyList;
  },
): void {
  const { operations, options, anomalies } = context;
  if (balances.accounts.symmetricDifference(reference.balances.accounts).size > 0) {
    anomalies.add('wrong-accounts', () => ({
      explanation:
        'this read saw other accounts than the first one, and no transfer makes or removes any',
      operations: [reference.read, read],
    }));
    return;
  }
  const isGiven = options.total !== undefined;
  const total = options.total === undefined ? reference.balances.total : BigInt(options.total);
  if (balances.total === total) return;
  anomalies.add('wrong-total', () => ({
    explanation: `all accounts together held ${balances.total}, not ${total} as ${isGiven ? 'was given' : 'in the first read'}: this read is not as of one moment, or money came or went`,
    operations: [
      ...(isGiven ? [] : [reference.read]),
      ...suspects(operations, read, balances.total - total),
      read,
    ],
  }));
}

function verdictOfNone(readCount: number, counts: ReadonlyMap<string, number>): Verdict {
  if (readCount > 0) return { kind: 'valid', counts };
  return { kind: 'undecided', reason: 'no read of the accounts ended well, so nothing was seen' };
}

function balancesOf(read: Operation): Balances {
  const { output } = read;
  if (!(output instanceof Map) || isArray(output)) {
    const seen = formatValue(output, 60);
    throw new HistoryOperationError(read, `a read of a bank gives a map of balances, not ${seen}`);
  }
  let total = 0n;
  let overdrawn: HistoryValue | undefined;
  const accounts = new Set<ValueKey>();
  for (const [account, held] of output) {
    const balance = integerOf(held);
    if (balance === null) {
      const found = `${formatValue(account, 60)} held ${formatValue(held, 60)}`;
      throw new HistoryOperationError(read, `a balance is a whole number, but ${found}`);
    }
    total += balance;
    accounts.add(valueKey(account));
    if (balance < 0n) overdrawn ??= account;
  }
  return { total, accounts, overdrawn };
}

/** Transfers that may have been half visible to a read: open at the same time, of the amount that is too much or missing. */
function suspects(
  operations: readonly Operation[],
  read: Operation,
  difference: bigint,
): readonly Operation[] {
  const amount = difference < 0n ? -difference : difference;
  return operations
    .filter(
      (operation) =>
        operation.f === 'transfer' &&
        operation.outcome !== 'fail' &&
        operation.callAt < read.endAt &&
        (operation.outcome === 'info' || operation.endAt > read.callAt) &&
        amountOf(operation.input) === amount,
    )
    .slice(0, transfersToldMax);
}

function amountOf(input: HistoryValue): bigint | null {
  return input instanceof Map ? integerOf(input.get('amount') ?? null) : null;
}

function integerOf(value: HistoryValue): bigint | null {
  if (typeof value === 'bigint') return value;
  return typeof value === 'number' && Number.isInteger(value) ? BigInt(value) : null;
}
