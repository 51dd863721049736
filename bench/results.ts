import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Comparison, ComparisonOptions } from './comparisons/comparison.ts';
import { comparisons } from './comparisons/registry.ts';
import { judge, type Verdict } from './core/bars.ts';
import { renderCharts } from './core/charts.ts';
import { replaceSection } from './core/readme.ts';
import { barTable, comparisonSection, markdownTable } from './core/report.ts';
import { settingDifferences } from './core/settings.ts';
import type { MachineReport } from './machine.ts';
import type { ComparisonResult } from './runner.ts';

const readmePath = fileURLToPath(new URL('README.md', import.meta.url));
const chartFolder = 'results/';

export interface ResultFile {
  readonly comparison: Comparison;
  readonly result: ComparisonResult;
  readonly machine: MachineReport;
  readonly options: ComparisonOptions;
  /** ISO 8601. */
  readonly measuredAt: string;
}

/** Writes `<name>.json`, `<name>.md` and the charts of a comparison, in place of earlier ones. Answers the verdicts. */
export async function writeResults(folder: string, file: ResultFile): Promise<readonly Verdict[]> {
  const { comparison, result } = file;
  const { samples } = result;
  const verdicts = judge(comparison.bars, samples);
  const charts = renderCharts(comparison, samples);
  await mkdir(folder, { recursive: true });
  await removeEarlier(folder, comparison.name);
  for (const { fileName, content } of charts) await writeFile(join(folder, fileName), content);
  const path = (extension: string): string => join(folder, `${comparison.name}.${extension}`);
  await writeFile(path('json'), jsonOf(file, verdicts));
  const section = (folderOfCharts: string): string =>
    comparisonSection({
      plan: comparison,
      samples,
      verdicts,
      charts,
      settings: settingDifferences(
        comparison.contenders.flatMap(({ name }) => {
          const settings = result.settings.get(name);
          return settings === undefined ? [] : [{ name, settings }];
        }),
      ),
      notes: [runLine(file), ...result.notes, ...result.failures.map((text) => `failed: ${text}`)],
      chartFolder: folderOfCharts,
    });
  await writeFile(path('md'), `${section('')}\n\n${machineText(file.machine)}\n`);
  return verdicts;
}

/** Brings `bench/README.md` up to date with all results in its folder, those of earlier runs too. */
export async function updateReadme(folder: string): Promise<void> {
  const bars: (readonly string[])[] = [];
  const sections: string[] = [];
  for (const [name, make] of comparisons) {
    const stored = await readStored(join(folder, `${name}.json`));
    const unmeasured = barTable(judge(make(anyOptions).bars, [])).rows;
    bars.push(...(stored?.bars ?? unmeasured));
    const section = await readFile(join(folder, `${name}.md`), 'utf8').catch(() => '');
    if (section !== '') sections.push(section.trim().replaceAll('](', `](${chartFolder}`));
  }
  const { headers } = barTable([]);
  const page = await readFile(readmePath, 'utf8');
  const withBars = replaceSection(page, 'bars', markdownTable({ headers, rows: bars }));
  await writeFile(readmePath, replaceSection(withBars, 'results', sections.join('\n\n')));
}

/** Bars are the same whatever is measured. */
const anyOptions: ComparisonOptions = {
  threads: [1],
  clients: [1],
  seconds: 1,
  rounds: 1,
  faults: 1,
};

const storedSchema = z.object({ bars: z.array(z.array(z.string())) });

/** Null when there is none, or one that this version cannot read: its bars are then not measured. */
async function readStored(path: string): Promise<z.infer<typeof storedSchema> | null> {
  try {
    return storedSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return null;
  }
}

/** A line per sample, so that a difference of two runs can be read. */
function jsonOf(file: ResultFile, verdicts: readonly Verdict[]): string {
  const { comparison, result, machine, options, measuredAt } = file;
  const head = {
    comparison: comparison.name,
    measuredAt,
    options,
    machine,
    contenders: comparison.contenders.map(({ name, title }) => ({ name, title })),
    bars: barTable(verdicts).rows,
    notes: result.notes,
    failures: result.failures,
  };
  const samples = result.samples.map((sample) => `    ${JSON.stringify(sample)}`);
  const begin = JSON.stringify(head, null, 2).replace(/\n\}$/, '');
  return `${begin},\n  "samples": [\n${samples.join(',\n')}\n  ]\n}\n`;
}

function runLine({ options, measuredAt }: ResultFile): string {
  const { rounds, seconds } = options;
  return `measured ${measuredAt.slice(0, 10)}: ${rounds} rounds, ${seconds} s each; a median of rounds with the lowest and highest in brackets, p50 and p99 over all rounds`;
}

function machineText(machine: MachineReport): string {
  const { cpu, cores, memoryGiB, system, syncMs, loadBefore, versions, tools } = machine;
  const programs = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [
    `Machine: ${cpu}, ${cores} cores, ${memoryGiB} GiB, ${system};`,
    `a synced append of 512 bytes takes ${syncMs} ms; load before the run ${loadBefore}.`,
    `Versions: ${[...programs, ...tools].join(', ')}.`,
  ].join(' ');
}

async function removeEarlier(folder: string, name: string): Promise<void> {
  for (const file of await readdir(folder)) {
    if (file.startsWith(`${name}-`) && file.endsWith('.svg')) await rm(join(folder, file));
  }
}
