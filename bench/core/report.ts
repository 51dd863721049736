import { nearestRank } from '../../base/nearest-rank.ts';
import type { Verdict } from './bars.ts';
import type { ChartFile } from './charts.ts';
import type { ComparisonPlan, ContenderPlan } from './comparison.ts';
import {
  type Metric,
  metric,
  metricFormats,
  metricNames,
  p50,
  p99,
  pooledDistribution,
  roundValues,
  type Series,
  type Statistic,
  type TurnSample,
} from './sample.ts';
import { pairByRound, type Spread, spreadOf } from './statistics.ts';

/** Headers and cells, before anybody decides how a table looks. */
export interface Table {
  readonly headers: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const nothing = '-';

/**
 * A row per measure, x and contender: the median round with its spread, the latencies of all rounds together, and the ratio
 * of ours to it, pair by pair.
 */
export function resultTable(plan: ComparisonPlan, samples: readonly TurnSample[]): Table {
  const metrics = metricsIn(samples);
  const [reference] = plan.contenders;
  const hasX = plan.table.x !== '';
  const hasRatio = reference !== undefined && plan.contenders.length > 1;
  const { distribution } = plan.table;
  const headers = [
    'measure',
    ...(hasX ? [plan.table.x] : []),
    'contender',
    ...metrics.map(metricTitle),
    `${distribution} p50`,
    `${distribution} p99`,
    ...(hasRatio ? [`${reference.name} to this`] : []),
  ];
  const rows = groupsOf(samples).flatMap(({ measure, x }) =>
    plan.contenders.flatMap((contender) => {
      const series = { contender: contender.name, measure, x };
      if (!samples.some((sample) => matches(sample, series))) return [];
      return [
        [
          measure,
          ...(hasX ? [String(x)] : []),
          contender.name,
          ...metrics.map((name) => metricCell(samples, series, name)),
          ...[p50, p99].map((statistic) => distributionCell(samples, series, statistic)),
          ...(hasRatio ? [ratioCell(plan, samples, { reference, series })] : []),
        ],
      ];
    }),
  );
  return { headers, rows };
}

/** A row per bar: what is asked, what was measured, and whether that is enough. */
export function barTable(verdicts: readonly Verdict[]): Table {
  return {
    headers: ['bar', 'asked', 'measured', 'outcome'],
    rows: verdicts.map(({ bar, value, outcome }) => [
      bar.title,
      `${bar.limit.kind === 'at least' ? '≥' : '≤'} ${withUnit(String(bar.limit.value), bar.unit)}`,
      value === null ? nothing : barValue(value, bar.unit),
      outcome,
    ]),
  };
}

/** A table as Markdown. */
export function markdownTable({ headers, rows }: Table): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(headers), `|${'---|'.repeat(headers.length)}`, ...rows.map(line)].join('\n');
}

/** The section of one comparison in Markdown; charts are links to files beside it. */
export function comparisonSection(options: {
  readonly plan: ComparisonPlan;
  readonly samples: readonly TurnSample[];
  readonly verdicts: readonly Verdict[];
  readonly charts: readonly ChartFile[];
  /** Settings in which primaries differ. */
  readonly settings: Table;
  /** What went wrong or looked suspicious, a line each. */
  readonly notes: readonly string[];
  /** Where the charts are, seen from the file this goes into: `results/`. */
  readonly chartFolder: string;
}): string {
  const { plan, samples, verdicts, charts, settings, notes, chartFolder } = options;
  const isNamed = (contender: ContenderPlan): boolean =>
    samples.some((sample) => sample.contender === contender.name);
  return [
    `### ${plan.name}: ${plan.title}`,
    plan.contenders
      .filter(isNamed)
      .map(({ name, title }) => `- \`${name}\`: ${title}`)
      .join('\n'),
    ...(verdicts.length === 0 ? [] : [markdownTable(barTable(verdicts))]),
    markdownTable(resultTable(plan, samples)),
    ...(notes.length === 0 ? [] : [notes.map((note) => `- ${note}`).join('\n')]),
    ...(settings.rows.length === 0
      ? []
      : [
          'Settings in which the primaries differ, of those that all of them have:',
          markdownTable(settings),
        ]),
    ...charts.map(({ title, fileName }) => `![${title}](${chartFolder}${fileName})`),
  ].join('\n\n');
}

/** Three digits that count, as far as there are so many. */
export function numberText(value: number): string {
  if (!Number.isFinite(value)) return nothing;
  if (Math.abs(value) >= 100) return String(Math.round(value));
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
}

function barValue(value: Spread, unit: Verdict['bar']['unit']): string {
  const middle = withUnit(numberText(value.median), unit);
  return value.min === value.max
    ? middle
    : `${middle} (${numberText(value.min)} to ${numberText(value.max)})`;
}

function withUnit(text: string, unit: Verdict['bar']['unit']): string {
  return unit === '' ? text : `${text} ${unit}`;
}

function metricTitle(name: Metric): string {
  const { title, unit } = metricFormats[name];
  return unit === '' ? title : `${title}, ${unit}`;
}

function metricCell(samples: readonly TurnSample[], series: Series, name: Metric): string {
  const spread = spreadOf(roundValues(samples, series, metric(name)).map(({ value }) => value));
  if (spread === null) return nothing;
  const text = (value: number): string => value.toFixed(metricFormats[name].digits);
  if (spread.min === spread.max) return text(spread.median);
  return `${text(spread.median)} (${text(spread.min)} to ${text(spread.max)})`;
}

function distributionCell(
  samples: readonly TurnSample[],
  series: Series,
  statistic: typeof p50,
): string {
  if (statistic.kind !== 'quantile') return nothing;
  const value = nearestRank(pooledDistribution(samples, series), statistic.share);
  return value === null ? nothing : `${numberText(value)} ms`;
}

function ratioCell(
  plan: ComparisonPlan,
  samples: readonly TurnSample[],
  pair: { readonly reference: ContenderPlan; readonly series: Series },
): string {
  const { reference, series } = pair;
  if (series.contender === reference.name) return nothing;
  const statistic: Statistic = plan.table.ratioOf;
  const ours = roundValues(samples, { ...series, contender: reference.name }, statistic);
  const theirs = roundValues(samples, series, statistic);
  const spread = spreadOf(pairByRound(ours, theirs, (our, their) => our / their));
  if (spread === null) return nothing;
  return `${numberText(spread.median)} (${numberText(spread.min)} to ${numberText(spread.max)})`;
}

function metricsIn(samples: readonly TurnSample[]): readonly Metric[] {
  const used = new Set(samples.flatMap((sample) => Object.keys(sample.metrics)));
  return metricNames.filter((name) => used.has(name));
}

/** Measures in the order of their first sample, and their xs ascending. */
function groupsOf(
  samples: readonly TurnSample[],
): readonly { readonly measure: string; readonly x: number }[] {
  const measures = [...new Set(samples.map(({ measure }) => measure))];
  return measures.flatMap((measure) => {
    const xs = samples.filter((sample) => sample.measure === measure).map(({ x }) => x);
    return [...new Set(xs)].sort((left, right) => left - right).map((x) => ({ measure, x }));
  });
}

function matches(sample: TurnSample, series: Series): boolean {
  return (
    sample.contender === series.contender &&
    sample.measure === series.measure &&
    sample.x === series.x
  );
}
