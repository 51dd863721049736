import type { Operation } from '../history.ts';
import { formatValue } from '../values.ts';
import type { Anomaly } from '../verdict.ts';
import { describe, lines } from './describe.ts';
import type { Bar, TimelineLayout } from './timeline-layout.ts';

/** The script of the page lays out anew with these when it zooms. */
export const geometry = {
  left: 96,
  top: 28,
  laneHeight: 34,
  barHeight: 24,
  columnWidth: 30,
} as const;

/** Escapes text for HTML and SVG, in content and in attributes. */
export function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** A lane per process, time to the right, and over it for each anomaly the arrows that tell its story; the first is shown. */
export function timelineSvg(layout: TimelineLayout, anomalies: readonly Anomaly[]): string {
  const { left, top, laneHeight, columnWidth } = geometry;
  const width = left + layout.columns * columnWidth + 20;
  const height = top + layout.lanes.length * laneHeight + 20;
  const bars = [...layout.nemesis, ...layout.bars];
  const barOf = new Map(bars.map((bar, index) => [bar.operation, { bar, index }]));
  const memberOf = anomaliesOfOperations(anomalies);
  return [
    `<svg id="timeline" width="${width}" height="${height}" data-columns="${layout.columns}" role="img" aria-label="operations by process, in the order of events">`,
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0,0 L8,4 L0,8 z"/></marker></defs>',
    ...layout.lanes.map((_, lane) => laneSvg(lane, width)),
    ...bars.map((bar, index) => barSvg(bar, index, memberOf.get(bar.operation) ?? [])),
    ...anomalies.map((anomaly, index) => storySvg(anomaly, index, barOf)),
    namesSvg(layout, height),
    '</svg>',
  ].join('\n');
}

function anomaliesOfOperations(
  anomalies: readonly Anomaly[],
): ReadonlyMap<Operation, readonly number[]> {
  const members = new Map<Operation, number[]>();
  for (const [index, { operations }] of anomalies.entries()) {
    for (const operation of new Set(operations)) {
      members.set(operation, [...(members.get(operation) ?? []), index]);
    }
  }
  return members;
}

function laneSvg(lane: number, width: number): string {
  const { top, laneHeight } = geometry;
  const y = top + lane * laneHeight;
  return `<rect class="lane${lane % 2 === 0 ? ' even' : ''}" x="0" y="${y}" width="${width}" height="${laneHeight}"/>`;
}

/** Over everything else, because bars pass under it when the page scrolls. */
function namesSvg({ lanes }: TimelineLayout, height: number): string {
  const { left, top, laneHeight } = geometry;
  const names = lanes.map((process, lane) => {
    const text = String(process);
    const name = escaped(/^-?\d+$/.test(text) ? `process ${text}` : text.slice(0, 12));
    return `<text class="lane-name" x="8" y="${top + (lane + 0.5) * laneHeight + 4}">${name}</text>`;
  });
  return `<g id="names"><rect class="names-back" x="0" y="0" width="${left - 4}" height="${height}"/>${names.join('')}</g>`;
}

function barSvg(
  { operation, lane, from, to }: Bar,
  index: number,
  anomalies: readonly number[],
): string {
  const { left, top, laneHeight, barHeight, columnWidth } = geometry;
  const x = left + from * columnWidth;
  const y = top + lane * laneHeight + (laneHeight - barHeight) / 2;
  const kind = typeof operation.process === 'string' ? 'nemesis' : operation.outcome;
  const isOpen = operation.endAt === Number.POSITIVE_INFINITY;
  const classes = [
    'bar',
    kind,
    ...(isOpen ? ['open'] : []),
    ...(anomalies.includes(0) ? ['hit'] : []),
  ];
  const width = Math.max(4, (to - from) * columnWidth);
  return [
    `<svg class="${classes.join(' ')}" id="bar${index}" x="${x}" y="${y}" width="${width}" height="${barHeight}" data-from="${from}" data-to="${to}" data-anomalies=" ${anomalies.join(' ')} ">`,
    `<title>${escaped(hoverText(operation))}</title>`,
    `<rect width="100%" height="100%" rx="4"/>`,
    `<text x="6" y="${barHeight / 2 + 4}">${escaped(describe(operation, 40))}</text></svg>`,
  ].join('');
}

function hoverText(operation: Operation): string {
  const { process, f, input, output, outcome, callNanos, endNanos } = operation;
  const meaning = { ok: 'ok', fail: 'failed: did not happen', info: 'unknown: may have happened' };
  const time = [callNanos, endNanos]
    .map((nanos) => (nanos === null ? '?' : `${(nanos / 1e9).toFixed(6)} s`))
    .join(' to ');
  return [
    `${f} by process ${process}: ${typeof process === 'string' ? 'no client' : meaning[outcome]}`,
    `asked ${formatValue(input, 600)}`,
    ...(outcome === 'ok' ? [`answered ${formatValue(output, 600)}`] : []),
    `lines ${lines(operation)}`,
    ...(callNanos === null ? [] : [time]),
  ].join('\n');
}

/** Numbers on the operations of an anomaly, in the order of its story, and arrows from each to the next; of a cycle back to the first. */
function storySvg(
  anomaly: Anomaly,
  anomalyIndex: number,
  barOf: ReadonlyMap<Operation, { readonly bar: Bar; readonly index: number }>,
): string {
  const { operations, steps } = anomaly;
  const found = operations.map((operation) => barOf.get(operation));
  const isCycle = steps.length > 0;
  const parts: string[] = [];
  for (const [place, from] of found.entries()) {
    const isLast = place === found.length - 1;
    const to = isLast ? (isCycle ? found[0] : undefined) : found[place + 1];
    if (from === undefined) continue;
    const badge = `<g class="badge" data-bar="${from.index}" transform="${badgeTransform(from.bar)}"><circle r="8"/><text y="3.5">${place + 1}</text></g>`;
    if (to !== undefined && to !== from) {
      const why = steps[place] ?? orderText(from.bar.operation, to.bar.operation);
      parts.push(
        `<path class="arrow" data-from="${from.index}" data-to="${to.index}" d="${arrowPath(from.bar, to.bar)}" marker-end="url(#tip)"><title>${escaped(why)}</title></path>`,
      );
    }
    parts.push(badge);
  }
  const state = anomalyIndex === 0 ? ' shown' : '';
  return `<g class="story${state}" data-anomaly="${anomalyIndex}">${parts.join('')}</g>`;
}

function orderText(one: Operation, other: Operation): string {
  return one.endAt < other.callAt && one.outcome === 'ok'
    ? 'ended before the next began'
    : 'the next of the operations it takes to see it';
}

function badgeTransform(bar: Bar): string {
  return `translate(${geometry.left + bar.from * geometry.columnWidth},${middle(bar) - geometry.barHeight / 2})`;
}

/** From the middle of one bar to the middle of another, bent so that arrows there and back differ. */
function arrowPath(from: Bar, to: Bar): string {
  const [x1, y1, x2, y2] = [centre(from), middle(from), centre(to), middle(to)];
  const bend = from.lane === to.lane ? geometry.laneHeight : Math.sign(x2 - x1 || 1) * 14;
  return `M${x1},${y1} Q${(x1 + x2) / 2 + bend},${(y1 + y2) / 2 - Math.abs(bend)} ${x2},${y2}`;
}

function centre({ from, to }: Bar): number {
  return geometry.left + ((from + to) / 2) * geometry.columnWidth;
}

function middle({ lane }: Bar): number {
  return geometry.top + (lane + 0.5) * geometry.laneHeight;
}
