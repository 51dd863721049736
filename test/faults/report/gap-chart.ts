import { nearestRank } from '../../../base/nearest-rank.ts';
import { distributionOf } from '../../../bench/core/distribution.ts';
import { logScale, tickText } from '../../../bench/core/scale.ts';
import { type SvgNode, svg } from '../../../bench/core/svg.ts';
import type { Failover } from '../judge/failovers.ts';
import { clockText, durationText } from './summary.ts';

const width = 1260;
const left = 40;
const right = 40;
const dotRadius = 4.5;
const rowsMax = 12;

/** The longest time without an acknowledged write around each failover: a dot each, piled up where they are alike. */
export function gapChart(failovers: readonly Failover[]): string {
  const gaps = failovers.map(({ writeGapMs }) => Math.max(1, writeGapMs));
  const scale = logScale(Math.min(1000, ...gaps), Math.max(1, ...gaps));
  const x = (ms: number): number => left + (width - left - right) * scale.place(ms);
  const rows = rowsFor(gaps.map(x));
  const height = Math.max(3, ...rows.map((row) => row + 1)) * dotRadius * 2.2;
  const floor = height + 40;
  const distribution = distributionOf(gaps);
  const nodes: SvgNode[] = [
    ...scale.ticks.flatMap((tick) => [
      svg('line', { class: 'grid', x1: x(tick), x2: x(tick), y1: 30, y2: floor }),
      svg('text', { x: x(tick), y: floor + 17, 'text-anchor': 'middle' }, `${tickText(tick)} ms`),
    ]),
    svg('line', { class: 'axis', x1: left, x2: width - right, y1: floor, y2: floor }),
    ...failovers.map(({ from, to, term, atMs, writeGapMs, isMajorityWhole }, index) =>
      svg(
        'circle',
        {
          class: isMajorityWhole ? 'dot gap' : 'dot gap grave',
          cx: x(gaps[index] ?? 1),
          cy: floor - dotRadius * (1.1 + 2.2 * (rows[index] ?? 0)),
          r: dotRadius,
        },
        [
          svg(
            'title',
            {},
            `${durationText(writeGapMs)} at ${clockText(atMs)}: ${from} to ${to}, term ${term}`,
          ),
        ],
      ),
    ),
    ...marks(distribution, x, floor),
  ];
  const label = `Write gaps of ${failovers.length} failovers`;
  return svg(
    'svg',
    { viewBox: `0 0 ${width} ${floor + 26}`, role: 'img', 'aria-label': label },
    nodes,
  ).markup;
}

function marks(
  distribution: ReturnType<typeof distributionOf>,
  x: (ms: number) => number,
  floor: number,
): readonly SvgNode[] {
  const quantiles = new Map<number, string[]>();
  for (const [name, share] of [
    ['median', 0.5],
    ['p99', 0.99],
    ['max', 1],
  ] as const) {
    const value = nearestRank(distribution, share);
    if (value !== null) quantiles.set(value, [...(quantiles.get(value) ?? []), name]);
  }
  return [...quantiles].flatMap(([value, names], index) => [
    svg('line', { class: 'mark', x1: x(value), x2: x(value), y1: 30, y2: floor }),
    // In turn higher and lower, as p99 and max are often close.
    svg(
      'text',
      { x: x(value), y: index % 2 === 0 ? 12 : 26, 'text-anchor': 'middle' },
      `${names.join(' = ')} ${durationText(value)}`,
    ),
  ]);
}

/** The lowest row in which a dot touches no other. */
function rowsFor(places: readonly number[]): readonly number[] {
  const order = places
    .map((_, index) => index)
    .sort((one, other) => (places[one] ?? 0) - (places[other] ?? 0));
  const lastIn: number[] = [];
  const rows = new Array<number>(places.length).fill(0);
  for (const index of order) {
    const place = places[index] ?? 0;
    const free = lastIn.findIndex((last) => place - last >= dotRadius * 2);
    const row = Math.min(rowsMax, free < 0 ? lastIn.length : free);
    lastIn[row] = place;
    rows[index] = row;
  }
  return rows;
}
