/** A piece of SVG text. Only this file makes any, so that nothing gets in unescaped. */
export interface SvgNode {
  readonly markup: string;
}

export type SvgAttributes = Readonly<Record<string, string | number>>;

/** An element with what is in it: elements, or text. */
export function svg(
  name: string,
  attributes: SvgAttributes,
  content: readonly SvgNode[] | string = [],
): SvgNode {
  const written = Object.entries(attributes).map(
    ([key, value]) => ` ${key}="${escapeXml(typeof value === 'number' ? short(value) : value)}"`,
  );
  const inner =
    typeof content === 'string'
      ? escapeXml(content)
      : content.map(({ markup }) => markup).join('\n');
  const isBlock = typeof content !== 'string' && content.length > 0;
  const body = isBlock ? `\n${inner}\n` : inner;
  const open = `<${name}${written.join('')}`;
  return { markup: body === '' ? `${open}/>` : `${open}>${body}</${name}>` };
}

/** A whole file. */
export function svgDocument(width: number, height: number, content: readonly SvgNode[]): string {
  const attributes = {
    xmlns: 'http://www.w3.org/2000/svg',
    width,
    height,
    viewBox: `0 0 ${width} ${height}`,
    'font-family': 'system-ui, sans-serif',
    'font-size': 12,
  };
  return `${svg('svg', attributes, content).markup}\n`;
}

/** `M x y L x y …` through points; empty for none. */
export function pathThrough(points: readonly (readonly [x: number, y: number])[]): string {
  return points
    .map(([x, y], index) => `${index === 0 ? 'M' : 'L'}${short(x)} ${short(y)}`)
    .join('');
}

/** A tenth of a pixel is as much as anybody sees. */
function short(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
