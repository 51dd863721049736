import type { Operation } from '../history.ts';
import type { Anomaly } from '../verdict.ts';
import { type Paint, paintOf } from './colours.ts';
import { describe, lines } from './describe.ts';
import type { Report } from './report.ts';

const operationsToldMax = 40;
const anomaliesToldMax = 5;
const outcomeStyle = { ok: 'green', fail: 'red', info: 'yellow' } as const;

/** The verdict for a person at a terminal: what was found, and the operations it takes to see it. */
export function textReport(report: Report, options: { readonly hasColours: boolean }): string {
  const paint = paintOf(options.hasColours);
  const { verdict, model, isGuessed } = report;
  const about = `${report.file} · model ${model}${isGuessed ? ' (guessed from the operations; --model names another)' : ''}`;
  if (verdict.kind === 'undecided') {
    return [paint(['bold', 'yellow'], 'UNDECIDED'), about, '', `  ${verdict.reason}`].join('\n');
  }
  const counts = [...verdict.counts].map(([name, count]) => `${name} ${count}`).join(' · ');
  if (verdict.kind === 'valid') {
    return [paint(['bold', 'green'], 'VALID'), about, '', `  ${counts}`].join('\n');
  }
  const told = verdict.anomalies.slice(0, anomaliesToldMax);
  const left = verdict.anomalies.length - told.length;
  return [
    paint(['bold', 'red'], 'NOT VALID'),
    about,
    ...told.flatMap((anomaly) => ['', ...anomalyLines(anomaly, paint)]),
    ...(left > 0 ? ['', `  and ${left} more: --json and --html tell them`] : []),
    '',
    `  ${counts}`,
  ].join('\n');
}

function anomalyLines(anomaly: Anomaly, paint: Paint): string[] {
  const shown = anomaly.operations.slice(0, operationsToldMax);
  const left = anomaly.operations.length - shown.length;
  const isNumbered = /\bT1\b/.test(anomaly.explanation) || anomaly.steps.length > 0;
  const table = tableLines(shown, isNumbered, paint);
  const steps = table.flatMap((line, index) => {
    const step = anomaly.steps[index];
    return step === undefined ? [line] : [line, `      ${paint('dim', `↳ ${step}`)}`];
  });
  return [
    `  ${paint(['bold', 'red'], anomaly.name)}  ${anomaly.explanation}`,
    '',
    ...steps,
    ...(left > 0 ? [`    … ${left} more`] : []),
  ];
}

/** What explanations call it, lines of the file, process, how it ended, what it did: in columns. */
function tableLines(operations: readonly Operation[], isNumbered: boolean, paint: Paint): string[] {
  const cells = operations.map((operation, index) => ({
    operation,
    number: isNumbered ? `T${index + 1}`.padEnd(`T${operations.length}`.length + 2) : '',
    line: `line ${lines(operation)}`,
    process: `process ${operation.process}`,
  }));
  const lineWidth = Math.max(0, ...cells.map(({ line }) => line.length));
  const processWidth = Math.max(0, ...cells.map(({ process }) => process.length));
  return cells.map(({ operation, number, line, process }) => {
    const { outcome } = operation;
    const ended = paint(outcomeStyle[outcome], outcome.padEnd(4));
    return `    ${paint('bold', number)}${paint('dim', line.padEnd(lineWidth))}  ${process.padEnd(processWidth)}  ${ended}  ${describe(operation)}`;
  });
}
