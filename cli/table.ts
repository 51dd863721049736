import { styleText } from 'node:util';

export type Style = Parameters<typeof styleText>[0];
/** A cell's text and, on a terminal, its colour. */
export type Cell = string | { readonly text: string; readonly style: Style };

const gap = '  ';

/** Columns that line up; numbers to the right. Colours only when asked for, so that files and pipes stay plain. */
export function renderTable(
  headers: readonly string[],
  rows: readonly (readonly Cell[])[],
  options: { readonly colours: boolean },
): string {
  const widths = headers.map((header, column) =>
    Math.max(header.length, ...rows.map((row) => textOf(row[column]).length)),
  );
  const isNumeric = headers.map((_, column) =>
    rows.every((row) => /^(-|[\d.,]+( ?m?s)?)$/.test(textOf(row[column]))),
  );
  const line = (cells: readonly Cell[], paint: (cell: Cell, padded: string) => string): string =>
    headers
      .map((_, column) => {
        const cell = cells[column] ?? '';
        const text = textOf(cell);
        const width = widths[column] ?? 0;
        const padded = isNumeric[column] ? text.padStart(width) : text.padEnd(width);
        return paint(cell, padded);
      })
      .join(gap)
      .trimEnd();
  const bold = (_: Cell, padded: string): string =>
    options.colours ? styleText('bold', padded) : padded;
  const plain = (cell: Cell, padded: string): string =>
    options.colours && typeof cell !== 'string' ? styleText(cell.style, padded) : padded;
  return [line(headers, bold), ...rows.map((row) => line(row, plain))].join('\n');
}

function textOf(cell: Cell | undefined): string {
  if (cell === undefined) return '';
  return typeof cell === 'string' ? cell : cell.text;
}
