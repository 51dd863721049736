import { messageOf } from '../../base/errors.ts';
import { type RunPlan, type RunReport, Trace, type TraceOptions } from './kernel/index.ts';
import { scenarioOf } from './scenarios.ts';

export interface Outcome {
  readonly report: RunReport;
  /** The newest lines of the trace, as many as were asked for. */
  readonly lines: readonly string[];
}

/**
 * Runs one plan in this process. A promise that nobody waits for and that rejects is a violation too: in a real process it would be
 * the end. Only one run at a time, because such a rejection does not say whose it is.
 */
export async function runPlan(plan: RunPlan, options: Partial<TraceOptions>): Promise<Outcome> {
  const trace = new Trace(options);
  const stray: unknown[] = [];
  const onStray = (reason: unknown): void => {
    stray.push(reason);
  };
  process.on('unhandledRejection', onStray);
  try {
    const report = await scenarioOf(plan.scenario).run(plan, trace);
    // Rejections are reported once the promise callbacks have run.
    await new Promise((resolve) => setImmediate(resolve));
    return { report: withStray(report, stray), lines: trace.lines() };
  } finally {
    process.off('unhandledRejection', onStray);
  }
}

function withStray(report: RunReport, stray: readonly unknown[]): RunReport {
  const [first] = stray;
  if (report.violation !== null || stray.length === 0) return report;
  const message = `unhandled rejection: ${messageOf(first)}`;
  return { ...report, violation: { rule: 'rejection', message } };
}
