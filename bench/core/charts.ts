import type { ChartPlan, ComparisonPlan, ContenderPlan } from './comparison.ts';
import { cumulative } from './distribution.ts';
import { type Axis, type Curve, type CurvePoint, renderLineChart } from './line-chart.ts';
import { metric, pooledDistribution, roundValues, type TurnSample } from './sample.ts';
import { linearScale, listedScale, logScale } from './scale.ts';
import { spreadOf } from './statistics.ts';

export interface ChartFile {
  readonly fileName: string;
  readonly title: string;
  readonly content: string;
}

const curvePointsMax = 200;

/** The charts of a comparison; those for which nothing was measured are left out. */
export function renderCharts(
  plan: ComparisonPlan,
  samples: readonly TurnSample[],
): readonly ChartFile[] {
  return plan.charts.flatMap((chart) => {
    const content =
      chart.kind === 'throughput'
        ? throughputChart(chart, plan, samples)
        : distributionChart(chart, plan, samples);
    if (content === null) return [];
    return [{ fileName: `${plan.name}-${chart.name}.svg`, title: chart.title, content }];
  });
}

function throughputChart(
  chart: Extract<ChartPlan, { kind: 'throughput' }>,
  plan: ComparisonPlan,
  samples: readonly TurnSample[],
): string | null {
  const xs = samples.filter(({ measure }) => measure === chart.measure).map(({ x }) => x);
  const listed = [...new Set(xs)].sort((left, right) => left - right);
  const curves = plan.contenders.flatMap((contender, colour): Curve[] => {
    const points = listed.flatMap((x): CurvePoint[] => {
      const series = { contender: contender.name, measure: chart.measure, x };
      const values = roundValues(samples, series, metric('throughput'));
      const spread = spreadOf(values.map(({ value }) => value));
      return spread === null ? [] : [{ x, y: spread.median, range: spread }];
    });
    return points.length === 0 ? [] : [curveOf(contender, colour, { points, hasDots: true })];
  });
  if (curves.length === 0) return null;
  const top = Math.max(
    ...curves.flatMap(({ points }) => points.map((at) => at.range?.max ?? at.y)),
  );
  const yAxis: Axis = { label: 'transactions per second', scale: linearScale(top) };
  const xAxis: Axis = { label: plan.table.x, scale: listedScale(listed) };
  return renderLineChart({ title: chart.title, xAxis, yAxis, curves });
}

function distributionChart(
  chart: Extract<ChartPlan, { kind: 'distribution' }>,
  plan: ComparisonPlan,
  samples: readonly TurnSample[],
): string | null {
  const curves = plan.contenders.flatMap((contender, colour) =>
    chart.curves.flatMap(({ measure, x }, dash): Curve[] => {
      const series = { contender: contender.name, measure, x };
      const steps = cumulative(pooledDistribution(samples, series), curvePointsMax);
      if (steps.length === 0) return [];
      const points = steps.map(({ value, share }) => ({ x: value, y: share * 100, range: null }));
      const suffix = chart.curves.length === 1 ? '' : `: ${measure}`;
      return [curveOf(contender, colour, { points, hasDots: false, dash, suffix })];
    }),
  );
  const xs = curves.flatMap(({ points }) => points.map(({ x }) => x)).filter((x) => x > 0);
  if (xs.length === 0) return null;
  const scale = logScale(Math.min(...xs), Math.max(...xs));
  const xAxis: Axis = { label: `${plan.table.distribution}, ms`, scale };
  const yAxis: Axis = { label: 'not longer than that, %', scale: linearScale(100) };
  return renderLineChart({ title: chart.title, xAxis, yAxis, curves });
}

function curveOf(
  contender: ContenderPlan,
  colour: number,
  curve: Pick<Curve, 'points' | 'hasDots'> & { readonly dash?: number; readonly suffix?: string },
): Curve {
  return {
    label: `${contender.name}${curve.suffix ?? ''}`,
    isOurs: contender.isOurs,
    colour,
    points: curve.points,
    hasDots: curve.hasDots,
    dash: curve.dash ?? 0,
  };
}
