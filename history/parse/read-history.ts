import type { History, HistoryValue } from '../history.ts';
import { CharReader, type TextSource } from './char-reader.ts';
import { EdnReader } from './edn-reader.ts';
import { eventFrom } from './event.ts';
import type { EventSource } from './event-source.ts';
import { JsonReader } from './json-reader.ts';
import { type ParseLimits, parseLimits } from './limits.ts';
import { Pairing } from './pairing.ts';

export const historyFormats = ['edn', 'json', 'jsonl'] as const;
export type HistoryFormat = (typeof historyFormats)[number];

/** Enough to see what the first event begins with, below a heading of blanks. */
const guessCharacters = 1024;

export interface ReadOptions {
  /** Guessed where it is null: from the beginning of the text, and where that does not tell, from the name of the file. */
  readonly format?: HistoryFormat | null;
  readonly name?: string;
  readonly limits?: ParseLimits;
}

/** Operations from the text of a history. Holds one piece of the text and one event at a time besides the operations. */
export function readHistory(source: TextSource, options: ReadOptions = {}): History {
  const limits = options.limits ?? parseLimits;
  const chars = new CharReader(source);
  const format =
    options.format ?? guessFormat(chars.lookAhead(guessCharacters), options.name ?? '');
  const events = eventSource(chars, limits, format);
  const pairing = new Pairing(limits);
  for (let event = events.next(); event !== null; event = events.next()) {
    pairing.add(eventFrom(event));
  }
  return pairing.history();
}

/** One value as EDN, such as an option names it. */
export function readValue(text: string): HistoryValue {
  const pieces = [text];
  return new EdnReader(new CharReader(() => pieces.pop() ?? null), parseLimits).readOnly();
}

/** JSON is known by its quoted keys, an array from lines by its bracket, EDN by its keywords, comments and tags. */
export function guessFormat(beginning: string, name: string = ''): HistoryFormat {
  const text = beginning.trimStart();
  if (/^\[\s*\{\s*"/.test(text)) return 'json';
  if (/^\{\s*"/.test(text)) return 'jsonl';
  if (/^(?:[;#(]|[[\s,]*\{?[\s,]*:)/.test(text)) return 'edn';
  if (/\.json$/i.test(name)) return 'json';
  return /\.(?:jsonl|ndjson)$/i.test(name) ? 'jsonl' : 'edn';
}

function eventSource(chars: CharReader, limits: ParseLimits, format: HistoryFormat): EventSource {
  if (format === 'edn') return new EdnReader(chars, limits);
  return new JsonReader(chars, limits, format === 'json' ? 'array' : 'lines');
}
