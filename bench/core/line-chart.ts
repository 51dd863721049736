import { type Scale, tickText } from './scale.ts';
import { pathThrough, type SvgNode, svg, svgDocument } from './svg.ts';

export interface Axis {
  readonly label: string;
  readonly scale: Scale;
}

export interface CurvePoint {
  readonly x: number;
  readonly y: number;
  /** How far the single rounds reach; null where there is one value. */
  readonly range: { readonly min: number; readonly max: number } | null;
}

export interface Curve {
  readonly label: string;
  /** Drawn thicker. */
  readonly isOurs: boolean;
  /** Second and later curves of one contender: the same colour, dashed. */
  readonly dash: number;
  readonly colour: number;
  readonly points: readonly CurvePoint[];
  /** A dot at each point: there are few, and between them nothing was measured. */
  readonly hasDots: boolean;
}

export interface LineChart {
  readonly title: string;
  readonly xAxis: Axis;
  readonly yAxis: Axis;
  readonly curves: readonly Curve[];
}

const width = 760;
const plot = { left: 70, top: 44, width: 460, height: 300 };
const height = plot.top + plot.height + 54;
const legendLeft = plot.left + plot.width + 20;
const legendStep = 20;
const ink = '#222222';
const faint = '#dddddd';
/** Okabe and Ito: told apart with any kind of colour vision. */
const colours = [
  '#d55e00',
  '#0072b2',
  '#009e73',
  '#cc79a7',
  '#e69f00',
  '#56b4e9',
  '#000000',
  '#8c8c00',
] as const;
const dashes = ['', '6 3', '2 3', '8 3 2 3'];

/** An SVG file of curves over two axes, with their legend to the right. */
export function renderLineChart(chart: LineChart): string {
  return svgDocument(width, height, [
    svg('title', {}, chart.title),
    svg('rect', { width, height, fill: '#ffffff' }),
    svg('text', { x: plot.left, y: 24, 'font-size': 15, fill: ink }, chart.title),
    ...xMarks(chart.xAxis),
    ...yMarks(chart.yAxis),
    ...chart.curves.flatMap((curve) => drawCurve(curve, chart)),
    ...chart.curves.flatMap(legendEntry),
  ]);
}

function xMarks({ label, scale }: Axis): readonly SvgNode[] {
  const bottom = plot.top + plot.height;
  const marks = scale.ticks.flatMap((tick) => {
    const x = plot.left + scale.place(tick) * plot.width;
    return [
      svg('line', { x1: x, x2: x, y1: plot.top, y2: bottom, stroke: faint }),
      svg('text', { x, y: bottom + 18, 'text-anchor': 'middle', fill: ink }, tickText(tick)),
    ];
  });
  const middle = plot.left + plot.width / 2;
  return [
    ...marks,
    svg('text', { x: middle, y: bottom + 40, 'text-anchor': 'middle', fill: ink }, label),
  ];
}

function yMarks({ label, scale }: Axis): readonly SvgNode[] {
  const marks = scale.ticks.flatMap((tick) => {
    const y = plot.top + (1 - scale.place(tick)) * plot.height;
    const x = plot.left - 8;
    return [
      svg('line', { x1: plot.left, x2: plot.left + plot.width, y1: y, y2: y, stroke: faint }),
      svg('text', { x, y: y + 4, 'text-anchor': 'end', fill: ink }, tickText(tick)),
    ];
  });
  const middle = plot.top + plot.height / 2;
  const turned = `rotate(-90 16 ${middle})`;
  return [
    ...marks,
    svg('text', { x: 16, y: middle, 'text-anchor': 'middle', transform: turned, fill: ink }, label),
  ];
}

function drawCurve(curve: Curve, chart: LineChart): readonly SvgNode[] {
  const at = (x: number, y: number): readonly [number, number] => [
    plot.left + chart.xAxis.scale.place(x) * plot.width,
    plot.top + (1 - chart.yAxis.scale.place(y)) * plot.height,
  ];
  const stroke = colourOf(curve);
  const ranges = curve.points.flatMap(({ x, range }) => {
    if (range === null) return [];
    const [x1, y1] = at(x, range.min);
    const [, y2] = at(x, range.max);
    return [svg('line', { x1, x2: x1, y1, y2, stroke, 'stroke-width': 1 })];
  });
  const dots = curve.points.flatMap(({ x, y }) => {
    const [cx, cy] = at(x, y);
    return curve.hasDots ? [svg('circle', { cx, cy, r: 3, fill: stroke })] : [];
  });
  return [
    svg('path', {
      d: pathThrough(curve.points.map(({ x, y }) => at(x, y))),
      fill: 'none',
      stroke,
      'stroke-width': curve.isOurs ? 3 : 1.5,
      'stroke-dasharray': dashes[curve.dash % dashes.length] ?? '',
    }),
    ...ranges,
    ...dots,
  ];
}

function legendEntry(curve: Curve, index: number): readonly SvgNode[] {
  const y = plot.top + 6 + index * legendStep;
  return [
    svg('line', {
      x1: legendLeft,
      x2: legendLeft + 22,
      y1: y,
      y2: y,
      stroke: colourOf(curve),
      'stroke-width': curve.isOurs ? 3 : 1.5,
      'stroke-dasharray': dashes[curve.dash % dashes.length] ?? '',
    }),
    svg('text', { x: legendLeft + 28, y: y + 4, fill: ink }, curve.label),
  ];
}

function colourOf({ colour }: Curve): string {
  return colours[colour % colours.length] ?? ink;
}
