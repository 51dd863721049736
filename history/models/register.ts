import type { HistoryValue, Operation } from '../history.ts';
import { decideLinearization } from '../linearizability/decide.ts';
import { shrink } from '../linearizability/shrink.ts';
import { sameState } from '../linearizability/transition-table.ts';
import { checkUniqueValues, hasUniqueValues } from '../linearizability/unique-values.ts';
import { formatValue } from '../values.ts';
import type { Anomaly, CheckLimits, Model, Verdict } from '../verdict.ts';
import { partsOf, type RegisterPart } from './keyed.ts';
import { AnomalyList, mention, outcomeCounts, requireKnown } from './operations.ts';
import { type Orphan, type RegisterTable, registerTable } from './register-table.ts';

export interface RegisterOptions {
  /** The value before the first write; null when not given. */
  readonly initial?: HistoryValue;
}

/** Reads and writes are linearizable, key by key. */
export function createRegister(options: RegisterOptions = {}): Model {
  return registerModel('register', ['read', 'write'], options);
}

/** The same with `cas [expected new]`. A `cas` that failed did not happen; whether it had to fail is not judged. */
export function createCasRegister(options: RegisterOptions = {}): Model {
  return registerModel('cas-register', ['read', 'write', 'cas'], options);
}

function registerModel(name: string, known: readonly string[], options: RegisterOptions): Model {
  return {
    name,
    check: (operations, limits) => {
      requireKnown(operations, name, known);
      return new RegisterCheck(options.initial ?? null, limits).run(operations);
    },
  };
}

type Finding = Omit<Anomaly, 'steps'>;

class RegisterCheck {
  readonly #initial: HistoryValue;
  readonly #limits: CheckLimits;
  readonly #anomalies = new AnomalyList();
  readonly #undecided: string[] = [];
  #stepsLeft: number;

  constructor(initial: HistoryValue, limits: CheckLimits) {
    this.#initial = initial;
    this.#limits = limits;
    this.#stepsLeft = limits.stepsMax;
  }

  run(operations: readonly Operation[]): Verdict {
    const parts = partsOf(operations);
    for (const part of parts) {
      const finding = this.#checkPart(part);
      if (finding !== null) this.#anomalies.add(finding.name, () => finding);
    }
    const counts = outcomeCounts(operations);
    if (parts.some(({ key }) => key !== undefined)) counts.set('keys', parts.length);
    if (!this.#anomalies.isEmpty) {
      for (const [name, count] of this.#anomalies.counts) counts.set(name, count);
      return { kind: 'invalid', anomalies: this.#anomalies.told, counts };
    }
    const [reason] = this.#undecided;
    return reason === undefined ? { kind: 'valid', counts } : { kind: 'undecided', reason };
  }

  #checkPart(part: RegisterPart): Finding | null {
    const register = registerTable(part, this.#initial);
    if (register.orphan !== null) return orphanFinding(register.orphan, part);
    if (hasUniqueValues(register.table)) return uniqueFinding(register, part);
    const limits = { ...this.#limits, stepsMax: Math.max(0, this.#stepsLeft) };
    const result = decideLinearization(register.table, limits);
    this.#stepsLeft -= result.steps;
    if (result.kind === 'linearizable') return null;
    if (result.kind === 'impossible') return this.#shrunkFinding(register, part, result.blockedRow);
    this.#undecided.push(`${subjectOf(part)}: ${result.reason}`);
    return null;
  }

  #shrunkFinding(register: RegisterTable, part: RegisterPart, blockedRow: number): Finding {
    const limits = { ...this.#limits, stepsMax: Math.ceil(this.#limits.stepsMax / 10) };
    const core = shrink(register.table, blockedRow, limits);
    const { makes, needs } = register.table;
    const conditions = core.rows.filter((row) => needs[row] !== -1);
    const isOneRead =
      conditions.length === 1 && conditions.every((row) => makes[row] === sameState);
    const before = core.needsInitialState
      ? `from ${formatValue(this.#initial, 60)}, the value at the start`
      : `whatever ${subjectOf(part)} held before, and whatever happened besides`;
    return {
      name: isOneRead ? 'stale-read' : 'nonlinearizable',
      explanation: `${before}: these operations fit in no order in which each happens between its call and its end and finds the value that it saw`,
      operations: core.rows.flatMap((row) => register.operations[row] ?? []),
    };
  }
}

function orphanFinding({ operation, value, failedWrites }: Orphan, part: RegisterPart): Finding {
  const subject = subjectOf(part);
  const seen = `${mention(operation, value)} saw ${formatValue(value, 60)} in ${subject}`;
  if (failedWrites.length === 0) {
    const explanation = `${seen}, and nobody had asked to write that`;
    return { name: 'unwritten-value', explanation, operations: [operation] };
  }
  const explanation = `${seen}, and whoever asked to write that was told that it failed`;
  const operations = [...failedWrites.slice(0, 5), operation];
  return { name: 'failed-write', explanation, operations };
}

function uniqueFinding(register: RegisterTable, part: RegisterPart): Finding | null {
  const result = checkUniqueValues(register.table);
  if (result.kind === 'linearizable') return null;
  const operations = result.rows.flatMap((row) => register.operations[row] ?? []);
  const heldBy = (row: number | undefined): string => {
    const { makes, needs } = register.table;
    const made = makes[row ?? 0] ?? sameState;
    const state = made === sameState ? needs[row ?? 0] : made;
    return formatValue(register.values[state ?? 0] ?? null, 60);
  };
  if (result.fault === 'future-read') {
    const explanation = `${heldBy(result.rows[0])} was read before anybody began to write it to ${subjectOf(part)}`;
    return { name: 'future-read', explanation, operations };
  }
  const held = heldBy(result.rows.at(-1));
  const explanation = `${subjectOf(part)} held ${held}, then another value, then ${held} again, and ${held} was there only once`;
  return { name: 'stale-read', explanation, operations: byCall(operations) };
}

function byCall(operations: readonly Operation[]): readonly Operation[] {
  return operations.toSorted((one, other) => one.callAt - other.callAt);
}

function subjectOf({ key }: RegisterPart): string {
  return key === undefined ? 'the register' : `register ${formatValue(key, 60)}`;
}
