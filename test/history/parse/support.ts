import type { History } from '../../../history/history.ts';
import type { ParseLimits } from '../../../history/parse/limits.ts';
import { parseLimits } from '../../../history/parse/limits.ts';
import { type HistoryFormat, readHistory } from '../../../history/parse/read-history.ts';

/** A history from a text that comes in pieces of a given length. */
export function parse(
  text: string,
  options: {
    readonly format?: HistoryFormat;
    readonly pieceLength?: number;
    readonly limits?: Partial<ParseLimits>;
  } = {},
): History {
  const length = options.pieceLength ?? text.length + 1;
  let at = 0;
  const source = (): string | null => {
    if (at >= text.length) return null;
    at += length;
    return text.slice(at - length, at);
  };
  const limits = { ...parseLimits, ...options.limits };
  return readHistory(source, { format: options.format ?? null, limits });
}
