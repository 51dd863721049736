import { AssertionFailure } from '../../base/assert.ts';
import { messageOf } from '../../base/errors.ts';
import { type RunPlan, type RunReport, Trace, type TraceOptions } from './kernel/index.ts';
import { scenarioOf } from './scenarios.ts';

export interface Outcome {
  readonly report: RunReport;
  /** The newest lines of the trace, as many as were asked for. */
  readonly lines: readonly string[];
}

/**
 * Runs one plan in this process. An exception or a rejection that nobody catches is a violation too: in a real process it would be
 * the end. Only one run at a time, because neither says whose it is.
 */
export async function runPlan(plan: RunPlan, options: Partial<TraceOptions>): Promise<Outcome> {
  const trace = new Trace(options);
  const stray: unknown[] = [];
  const onStray = (reason: unknown): void => {
    stray.push(reason);
  };
  process.on('unhandledRejection', onStray);
  process.on('uncaughtException', onStray);
  try {
    const report = await scenarioOf(plan.scenario).run(plan, trace);
    // Rejections are reported once the promise callbacks have run.
    await new Promise((resolve) => setImmediate(resolve));
    return { report: withStray(report, stray), lines: trace.lines() };
  } finally {
    process.off('unhandledRejection', onStray);
    process.off('uncaughtException', onStray);
  }
}

function withStray(report: RunReport, stray: readonly unknown[]): RunReport {
  const [first] = stray;
  if (report.violation !== null || stray.length === 0) return report;
  const rule = first instanceof AssertionFailure ? first.name : 'rejection';
  return { ...report, violation: { rule, message: `nobody caught: ${messageOf(first)}` } };
}
