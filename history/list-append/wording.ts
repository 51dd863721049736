import type { HistoryValue } from '../history.ts';
import { formatValue } from '../values.ts';

/** Elements shown of a long list: its end, because that is where lists differ. */
const elementsShownMax = 12;
const elementCharactersMax = 40;

export function keyText(key: HistoryValue): string {
  return `key ${formatValue(key, elementCharactersMax)}`;
}

export function elementText(element: HistoryValue): string {
  return formatValue(element, elementCharactersMax);
}

export function listText(list: readonly HistoryValue[]): string {
  const shown = list.slice(-elementsShownMax).map(elementText);
  const left = list.length - shown.length;
  return `[${[...(left > 0 ? [`${left} before …`] : []), ...shown].join(' ')}]`;
}
