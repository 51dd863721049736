import { linearScale, logScale, type Scale, tickText } from '../../../bench/core/scale.ts';
import { pathThrough, type SvgNode, svg } from '../../../bench/core/svg.ts';
import type { SeenFault } from '../judge/faults.ts';
import type { JudgedRun } from '../judge/judge-run.ts';
import type { Bucket, Buckets } from './buckets.ts';
import { type LeaderSpan, leaderSpans } from './leader-spans.ts';
import { clockText } from './summary.ts';

/** Where things are in the picture; the script that reads it aloud needs the same. */
export const geometry = { width: 1260, left: 132, right: 26 } as const;

const faultHeight = 18;
const faultRowsMax = 24;
const kindCharactersMax = 20;
/** Above the highest value, so that what was reached can be told from what was cut off. */
const headroom = 1.05;
const leaderHeight = 24;
const chartHeight = 170;
const between = 34;
const plotWidth: number = geometry.width - geometry.left - geometry.right;

interface Part {
  readonly height: number;
  draw(top: number): readonly SvgNode[];
}

/** Faults, who leads, throughput and latency below each other, on one axis of time. */
export function timelineSvg(run: JudgedRun, buckets: Buckets): string {
  const x = (ms: number): number =>
    geometry.left + plotWidth * Math.min(1, Math.max(0, ms / run.stoppedMs));
  const parts = [
    faultsPart(run, x),
    leadersPart(run, x),
    throughputPart(buckets, x),
    latencyPart(buckets, x),
  ];
  const nodes: SvgNode[] = [];
  const tops: number[] = [];
  let top = 22;
  for (const part of parts) {
    tops.push(top);
    top += part.height + between;
  }
  const bottom = top - between;
  nodes.push(stripes(), ...bands(run, x, { top: tops[1] ?? 0, bottom }));
  for (const [index, part] of parts.entries()) nodes.push(...part.draw(tops[index] ?? 0));
  nodes.push(...timeAxis(run.stoppedMs, x, bottom));
  nodes.push(
    svg('line', { id: 'cursor', x1: geometry.left, x2: geometry.left, y1: 14, y2: bottom }),
  );
  const view = {
    id: 'timeline',
    viewBox: `0 0 ${geometry.width} ${bottom + 26}`,
    tabindex: 0,
    role: 'img',
    'aria-label': 'Faults, leaders, throughput and latency over time; arrow keys move a cursor',
  };
  return svg('svg', view, nodes).markup;
}

function stripes(): SvgNode {
  const pattern = { id: 'stripes', width: 6, height: 6, patternUnits: 'userSpaceOnUse' };
  return svg('defs', {}, [
    svg('pattern', pattern, [svg('path', { d: 'M-1 7L7 -1M-1 1L1 -1M5 7L7 5' })]),
  ]);
}

function bands(
  run: JudgedRun,
  x: (ms: number) => number,
  { top, bottom }: { readonly top: number; readonly bottom: number },
): readonly SvgNode[] {
  return run.faults.map((fault) =>
    svg('rect', {
      class: fault.isMajorityWhole ? 'band' : 'band grave',
      x: x(fault.beginMs),
      y: top,
      width: Math.max(1, x(fault.endMs ?? run.stoppedMs) - x(fault.beginMs)),
      height: bottom - top,
    }),
  );
}

/** Rows by kind, in the order in which kinds first came; more than one where faults of a kind overlap. */
function faultsPart(run: JudgedRun, x: (ms: number) => number): Part {
  const kinds = [...new Set(run.faults.map(({ kind }) => kind))];
  const rows = kinds.flatMap((kind) => {
    const own = run.faults.filter((fault) => fault.kind === kind);
    return rowsWithoutOverlap(own, run.stoppedMs).map((faults, index) => ({
      label: index === 0 ? kind.slice(0, kindCharactersMax) : '',
      faults,
    }));
  });
  const rowTop = (index: number): number => Math.min(index, faultRowsMax - 1) * faultHeight;
  return {
    height: Math.max(1, Math.min(rows.length, faultRowsMax)) * faultHeight,
    draw: (top) => [
      heading(run.faults.length === 0 ? 'Faults: none' : 'Faults', top),
      ...rows.flatMap(({ label, faults }, index) => {
        const y = top + rowTop(index);
        const place = { x: geometry.left - 10, y: y + 12, 'text-anchor': 'end' };
        return [
          svg('text', place, label),
          ...faults.flatMap((fault) => faultBar(fault, { x, stoppedMs: run.stoppedMs, y })),
        ];
      }),
    ],
  };
}

/** Each fault in the first row that is free when it begins. */
function rowsWithoutOverlap(
  faults: readonly SeenFault[],
  stoppedMs: number,
): readonly (readonly SeenFault[])[] {
  const rows: SeenFault[][] = [];
  for (const fault of faults) {
    const free = rows.find((row) => (row.at(-1)?.endMs ?? stoppedMs) <= fault.beginMs);
    if (free === undefined) rows.push([fault]);
    else free.push(fault);
  }
  return rows;
}

function faultBar(
  fault: SeenFault,
  place: { readonly x: (ms: number) => number; readonly stoppedMs: number; readonly y: number },
): readonly SvgNode[] {
  const { x, stoppedMs, y } = place;
  const from = x(fault.beginMs);
  const width = Math.max(3, x(fault.endMs ?? stoppedMs) - from);
  const kind = fault.isMajorityWhole ? 'fault' : 'grave';
  const doubt = fault.unconfirmed.length === 0 ? '' : ' unconfirmed';
  const end = fault.endMs === null ? 'never seen to end' : clockText(fault.endMs);
  const text = [
    `${fault.name}, ${clockText(fault.beginMs)} to ${end}`,
    fault.detail,
    ...fault.unconfirmed,
  ].join('\n');
  const bar = svg(
    'rect',
    { class: `bar ${kind}${doubt}`, x: from, y, width, height: faultHeight - 3, rx: 3 },
    [svg('title', {}, text)],
  );
  const variant = fault.name.slice(fault.kind.length).trim();
  if (variant === '' || variant.length * 5.8 > width - 8) return [bar];
  const textPlace = { x: from + 5, y: y + 11.5, 'pointer-events': 'none' };
  return [bar, svg('text', { class: 'in-bar', ...textPlace }, variant)];
}

function leadersPart(run: JudgedRun, x: (ms: number) => number): Part {
  const spans = leaderSpans(run.leaders, run.stoppedMs);
  return {
    height: leaderHeight,
    draw: (top) => [
      heading('Leader and term', top),
      ...spans.flatMap((span) => leaderBar(span, { x, top })),
    ],
  };
}

function leaderBar(
  { leader, node, term, fromMs, toMs }: LeaderSpan,
  { x, top }: { readonly x: (ms: number) => number; readonly top: number },
): readonly SvgNode[] {
  const width = Math.max(1, x(toMs) - x(fromMs));
  const times = `${clockText(fromMs)} to ${clockText(toMs)}`;
  const place = { x: x(fromMs), y: top, width, height: leaderHeight };
  if (leader === null) {
    return [
      svg('rect', { class: 'nobody', ...place }, [svg('title', {}, `nobody leads, ${times}`)]),
    ];
  }
  const title = svg('title', {}, `${leader}, term ${term}, ${times}`);
  const bar = svg('rect', { class: `node${node}`, ...place }, [title]);
  if (width <= 24) return [bar];
  const text = width > 62 ? `${leader} · ${term}` : leader;
  const textPlace = { x: place.x + 5, y: top + 16, 'pointer-events': 'none' };
  return [bar, svg('text', { class: 'in-bar', ...textPlace }, text)];
}

function throughputPart({ buckets, widthMs }: Buckets, x: (ms: number) => number): Part {
  const highest = Math.max(1, ...buckets.map(({ ok, failed, unknown }) => ok + failed + unknown));
  const scale = linearScale(highest * headroom);
  return {
    height: chartHeight,
    draw: (top) => {
      const y = yOf(scale, top);
      const area = (
        kind: 'ok' | 'failed' | 'unknown',
        below: (bucket: Bucket) => number,
      ): SvgNode => {
        const upper = buckets.flatMap((bucket) => {
          const height = y(below(bucket) + bucket[kind]);
          return [
            [x(bucket.fromMs), height],
            [x(bucket.fromMs + widthMs), height],
          ] as const;
        });
        const lower = buckets.flatMap((bucket) => {
          const height = y(below(bucket));
          return [
            [x(bucket.fromMs), height],
            [x(bucket.fromMs + widthMs), height],
          ] as const;
        });
        return svg('path', {
          class: `area ${kind}`,
          d: `${pathThrough([...upper, ...lower.reverse()])}Z`,
        });
      };
      return [
        heading('Operations per second', top),
        ...grid(scale, top, tickText),
        area('ok', () => 0),
        area('failed', ({ ok }) => ok),
        area('unknown', ({ ok, failed }) => ok + failed),
      ];
    },
  };
}

function latencyPart({ buckets, widthMs }: Buckets, x: (ms: number) => number): Part {
  const values = buckets.flatMap(({ p50Ms, maxMs }) =>
    p50Ms === null || maxMs === null ? [] : [p50Ms, maxMs],
  );
  const scale = logScale(Math.max(0.1, Math.min(10, ...values)), Math.max(100, ...values));
  return {
    height: chartHeight,
    draw: (top) => {
      const y = yOf(scale, top);
      const middle = ({ fromMs }: Bucket): number => x(fromMs + widthMs / 2);
      const curve = (kind: 'p50' | 'p99'): SvgNode => {
        const runs = runsOf(buckets, (bucket) => bucket[`${kind}Ms`]);
        const d = runs
          .map((points) =>
            pathThrough(points.map(([bucket, ms]) => [middle(bucket), y(ms)] as const)),
          )
          .join('');
        return svg('path', { class: `curve ${kind}`, d });
      };
      return [
        heading('Latency of what ended well (ms, logarithmic)', top),
        ...grid(scale, top, tickText),
        ...buckets.flatMap((bucket) =>
          bucket.maxMs === null
            ? []
            : [
                svg('circle', {
                  class: 'dot max',
                  cx: middle(bucket),
                  cy: y(bucket.maxMs),
                  r: 1.8,
                }),
              ],
        ),
        curve('p99'),
        curve('p50'),
      ];
    },
  };
}

/** Neighbours that have a value; where nothing ended there is no line. A single one is drawn twice, so that it can be seen. */
function runsOf(
  buckets: readonly Bucket[],
  valueIn: (bucket: Bucket) => number | null,
): readonly (readonly (readonly [Bucket, number])[])[] {
  const runs: (readonly [Bucket, number])[][] = [];
  let isOpen = false;
  for (const bucket of buckets) {
    const value = valueIn(bucket);
    if (value !== null && !isOpen) runs.push([[bucket, value]]);
    if (value !== null) runs.at(-1)?.push([bucket, value]);
    isOpen = value !== null;
  }
  return runs;
}

function yOf(scale: Scale, top: number): (value: number) => number {
  return (value) => top + chartHeight * (1 - scale.place(value));
}

function heading(text: string, top: number): SvgNode {
  return svg('text', { class: 'title', x: geometry.left, y: top - 7 }, text);
}

function grid(scale: Scale, top: number, textOf: (value: number) => string): readonly SvgNode[] {
  return scale.ticks.flatMap((tick) => {
    const y = top + chartHeight * (1 - scale.place(tick));
    const line = {
      class: 'grid',
      x1: geometry.left,
      x2: geometry.width - geometry.right,
      y1: y,
      y2: y,
    };
    return [
      svg('line', line),
      svg('text', { x: geometry.left - 8, y: y + 4, 'text-anchor': 'end' }, textOf(tick)),
    ];
  });
}

const tickSeconds = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
const timeTicksMax = 14;

function timeAxis(
  stoppedMs: number,
  x: (ms: number) => number,
  bottom: number,
): readonly SvgNode[] {
  const step =
    (tickSeconds.find((seconds) => stoppedMs / 1000 / seconds <= timeTicksMax) ?? 7200) * 1000;
  const nodes: SvgNode[] = [
    svg('line', {
      class: 'axis',
      x1: geometry.left,
      x2: geometry.width - geometry.right,
      y1: bottom,
      y2: bottom,
    }),
  ];
  for (let ms = 0; ms <= stoppedMs; ms += step) {
    nodes.push(svg('line', { class: 'axis', x1: x(ms), x2: x(ms), y1: bottom, y2: bottom + 4 }));
    nodes.push(svg('text', { x: x(ms), y: bottom + 18, 'text-anchor': 'middle' }, clockText(ms)));
  }
  return nodes;
}
