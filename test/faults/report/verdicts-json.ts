import { plain } from '../../../history/report/json-report.ts';
import type { JudgedRun } from '../judge/judge-run.ts';
import { summaryOf } from './summary.ts';

/** The verdicts for a program. Times are milliseconds since the origin of the histories. */
export function verdictsJson(run: JudgedRun, about: Readonly<Record<string, unknown>>): string {
  const checks = run.checks.map(({ anomalies, ...check }) => ({
    ...check,
    anomalies: anomalies.map(({ name, explanation, operations, steps }) => ({
      name,
      explanation,
      steps,
      operations: operations.map(({ process, f, outcome, input, output, callNanos, endNanos }) => ({
        process,
        f,
        outcome,
        input: plain(input),
        output: plain(output),
        callNanos,
        endNanos,
      })),
    })),
  }));
  const { faults, failovers, windows } = run;
  return `${JSON.stringify({ about, summary: summaryOf(run), checks, faults, failovers, windows }, null, 2)}\n`;
}
