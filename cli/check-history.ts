import { writeFileSync } from 'node:fs';
import { assertNever } from '../base/assert.ts';
import { messageOf } from '../base/errors.ts';
import { checkHistory, checkLimits } from '../history/check-history.ts';
import { HistoryFileError, HistoryModelError } from '../history/errors.ts';
import type { HistoryValue } from '../history/history.ts';
import { type HistoryFormat, readHistory, readValue } from '../history/parse/read-history.ts';
import { withTextFile } from '../history/parse/text-file.ts';
import { htmlReport } from '../history/report/html-report.ts';
import { jsonReport } from '../history/report/json-report.ts';
import type { Report } from '../history/report/report.ts';
import { textReport } from '../history/report/text-report.ts';
import type { Verdict } from '../history/verdict.ts';
import type { Terminal } from './terminal.ts';

export interface CheckHistoryArguments {
  readonly model?: string;
  readonly consistency?: string;
  readonly format?: HistoryFormat;
  readonly html?: string;
  readonly json: boolean;
  readonly initial?: string;
  readonly total?: string;
  readonly steps?: string;
}

/** `binraft check-history FILE`: prints the verdict; gives the exit status 0 valid, 1 not valid, 2 undecided. */
export async function runCheckHistory(
  file: string,
  options: CheckHistoryArguments,
  terminal: Terminal,
): Promise<number> {
  const history = withTextFile(file, (source) =>
    readHistory(source, { format: options.format ?? null, name: file }),
  );
  const checked = await checkHistory(history, {
    model: options.model ?? null,
    consistency: options.consistency ?? null,
    initial: options.initial === undefined ? undefined : readOption('initial', options.initial),
    total: options.total === undefined ? undefined : readTotal(options.total),
    limits: { ...checkLimits, stepsMax: readSteps(options.steps) },
  });
  const report: Report = { file, history, ...checked };
  const { hasColours } = terminal;
  terminal.line(options.json ? jsonReport(report) : textReport(report, { hasColours }));
  if (options.html !== undefined) writePage(options.html, report);
  return exitStatusOf(report.verdict);
}

function exitStatusOf(verdict: Verdict): number {
  switch (verdict.kind) {
    case 'valid':
      return 0;
    case 'invalid':
      return 1;
    case 'undecided':
      return 2;
    default:
      return assertNever(verdict);
  }
}

function writePage(path: string, report: Report): void {
  try {
    writeFileSync(path, htmlReport(report));
  } catch (cause) {
    throw new HistoryFileError(`cannot write ${path}: ${messageOf(cause)}`, cause);
  }
}

function readTotal(text: string): number | bigint {
  const value = readOption('total', text);
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number' && Number.isInteger(value)) return value;
  throw new HistoryModelError(`--total is a whole number, not ${text}`);
}

function readSteps(text: string | undefined): number {
  if (text === undefined) return checkLimits.stepsMax;
  const steps = Number(text);
  if (Number.isSafeInteger(steps) && steps > 0) return steps;
  throw new HistoryModelError(`--steps is a whole number above 0, not ${text}`);
}

function readOption(option: string, text: string): HistoryValue {
  try {
    return readValue(text);
  } catch (cause) {
    throw new HistoryModelError(`--${option} is a value as EDN writes it: ${messageOf(cause)}`);
  }
}
