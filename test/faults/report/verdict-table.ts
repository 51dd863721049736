import { renderTable, type Style } from '../../../cli/table.ts';
import type { Check } from '../judge/check.ts';
import type { JudgedRun } from '../judge/judge-run.ts';
import { faultsByNemesis, gapsText, outcomeWord, type RunSummary, summaryOf } from './summary.ts';

const violationsShownMax = 5;
const styles: Readonly<Record<Check['outcome'], Style>> = {
  held: 'green',
  violated: 'red',
  undecided: 'yellow',
};

/** What a person reads at the end of a run. */
export function verdictTable(run: JudgedRun, options: { readonly colours: boolean }): string {
  const rows = run.checks.map((check) => [
    check.group,
    check.name,
    { text: outcomeWord(check), style: styles[check.outcome] },
    countText(check, 'operations'),
    countText(check, 'unknown'),
    check.summary,
  ]);
  const table = renderTable(
    ['group', 'check', 'verdict', 'operations', 'unknown', ''],
    rows,
    options,
  );
  const complaints = run.checks.flatMap((check) => {
    const shown = check.violations.slice(0, violationsShownMax);
    const left = check.violations.length - shown.length;
    return [...shown, ...(left > 0 ? [`and ${left} more`] : [])].map(
      (violation) => `${check.name}: ${violation}`,
    );
  });
  return [table, '', ...complaints, summaryLines(run)].join('\n');
}

function summaryLines(run: JudgedRun): string {
  const summary = summaryOf(run);
  const { ok, failed, unknown } = summary.operations;
  const { failovers, failoversOfMajority } = summary;
  const faults = faultsByNemesis(run.faults).map(
    ({ name, count, variants }) => `  ${name} ${count}: ${variants}`,
  );
  return [
    `${ok + failed + unknown} operations in ${summary.seconds.toFixed(0)} s: ${ok} ok, ${failed} failed, ${unknown} unknown`,
    faults.length === 0 ? 'faults: none' : 'faults:',
    ...faults,
    gapLine('failovers', failovers, summary.writeGapMs),
    gapLine('while a majority could serve', failoversOfMajority, summary.writeGapOfMajorityMs),
    summary.isSound ? 'every check held' : 'not every check held',
  ].join('\n');
}

function gapLine(name: string, count: number, gaps: RunSummary['writeGapMs']): string {
  return count === 0 ? `${name}: none` : `${name}: ${count}, write gap ${gapsText(gaps)}`;
}

function countText({ counts }: Check, name: string): string {
  const count = counts[name];
  return count === undefined ? '-' : String(count);
}
