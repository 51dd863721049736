import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JudgedRun } from '../judge/judge-run.ts';
import { reportPage } from './page.ts';
import { verdictsJson } from './verdicts-json.ts';

export interface WrittenReport {
  readonly page: string;
  readonly verdicts: string;
}

/** Leaves the verdicts for programs and the page for people in a folder. */
export async function writeReport(
  run: JudgedRun,
  options: {
    readonly out: string;
    /** What was run, in a line. */
    readonly title: string;
    /** Everything it takes to run the same again. */
    readonly about?: Readonly<Record<string, unknown>>;
  },
): Promise<WrittenReport> {
  const page = join(options.out, 'report.html');
  const verdicts = join(options.out, 'verdicts.json');
  await writeFile(page, reportPage(run, options.title));
  await writeFile(verdicts, verdictsJson(run, options.about ?? {}));
  return { page, verdicts };
}
