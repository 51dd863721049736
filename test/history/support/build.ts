import type { HistoryValue, Operation, Outcome } from '../../../history/history.ts';
import type { CheckLimits, Verdict } from '../../../history/verdict.ts';

export const limits: CheckLimits = { memoryBytesMax: 64 << 20, stepsMax: 5_000_000 };

export interface Sketch {
  readonly process?: number;
  readonly f: string;
  readonly input?: HistoryValue;
  readonly output?: HistoryValue;
  readonly outcome?: Outcome;
  /** Places of call and end; where it has none it never ended. */
  readonly at: readonly [number, number?];
}

/** Operations by call, from sketches in any order. */
export function operationsOf(sketches: readonly Sketch[]): Operation[] {
  return sketches
    .toSorted((one, other) => one.at[0] - other.at[0])
    .map(({ process = 0, f, input = null, output, outcome = 'ok', at: [callAt, end] }, index) => ({
      index,
      process,
      f,
      input,
      output: outcome === 'ok' ? (output ?? input) : null,
      outcome,
      callAt,
      endAt: end ?? Number.POSITIVE_INFINITY,
      callNanos: null,
      endNanos: null,
      callLine: callAt + 1,
      endLine: end === undefined ? null : end + 1,
    }));
}

/** One after the other, each by itself. */
export function sequence(...sketches: readonly Omit<Sketch, 'at'>[]): Operation[] {
  return operationsOf(
    sketches.map((sketch, index) => ({ ...sketch, at: [index * 2, index * 2 + 1] })),
  );
}

export const read = (output: HistoryValue): Omit<Sketch, 'at'> => ({ f: 'read', output });
export const write = (input: HistoryValue): Omit<Sketch, 'at'> => ({ f: 'write', input });
export const cas = (expected: HistoryValue, next: HistoryValue): Omit<Sketch, 'at'> => ({
  f: 'cas',
  input: [expected, next],
});

export function anomalyNames(verdict: Verdict): string[] {
  return verdict.kind === 'invalid' ? verdict.anomalies.map(({ name }) => name) : [];
}
