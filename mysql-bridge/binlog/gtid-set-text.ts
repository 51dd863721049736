import { BinlogError } from './binlog-error.ts';
import { gtidNumberMax, isGtidTag, isServerUuid } from './gtid.ts';
import type { GtidInterval } from './gtid-intervals.ts';
import type { GtidSource } from './gtid-set-codec.ts';

/**
 * The text form of a set, as MySQL prints it: `uuid:1-5:7:tag:1-3,\nuuid2:…` (MySQL manual, "GTID Sets"). A tag holds
 * until the next tag or the next UUID.
 */
export function formatGtidSources(sources: readonly GtidSource[]): string {
  let text = '';
  let previousUuid: string | null = null;
  for (const { serverUuid, tag, intervals } of sources) {
    if (serverUuid !== previousUuid) text += (previousUuid === null ? '' : ',\n') + serverUuid;
    if (tag !== '') text += `:${tag}`;
    for (const interval of intervals) text += `:${formatInterval(interval)}`;
    previousUuid = serverUuid;
  }
  return text;
}

/**
 * Reads what MySQL prints and what it accepts in the same form: any case, white space, intervals in any order, repeated
 * sources. Throws `BinlogError` MYSQL_GTID_SET_MALFORMED.
 */
export function parseGtidSources(text: string): readonly GtidSource[] {
  const sources: GtidSource[] = [];
  for (const part of text.replaceAll(/\s+/g, '').toLowerCase().split(',')) {
    // MySQL accepts empty parts, as left by a joined list.
    if (part !== '') sources.push(...parseServer(part));
  }
  return sources;
}

function parseServer(part: string): readonly GtidSource[] {
  const [serverUuid = '', ...words] = part.split(':');
  if (!isServerUuid(serverUuid)) throw malformed(`${quote(serverUuid)} is no server uuid`);
  const sources: GtidSource[] = [];
  let tag = '';
  let intervals: GtidInterval[] = [];
  for (const word of words) {
    if (isGtidTag(word)) {
      if (tag !== '' && intervals.length === 0) throw malformed(`tag ${quote(tag)} has no number`);
      sources.push({ serverUuid, tag, intervals });
      tag = word;
      intervals = [];
    } else {
      intervals.push(parseInterval(word));
    }
  }
  if (intervals.length === 0) throw malformed(`${quote(part)} has no number`);
  sources.push({ serverUuid, tag, intervals });
  return sources.filter((source) => source.intervals.length > 0);
}

function parseInterval(word: string): GtidInterval {
  const match = /^(\d{1,19})(?:-(\d{1,19}))?$/.exec(word);
  const first = BigInt(match?.[1] ?? 0);
  const last = BigInt(match?.[2] ?? first);
  if (first < 1n || last < first || last > gtidNumberMax) {
    throw malformed(`${quote(word)} is neither a tag nor an interval`);
  }
  return { first, last };
}

function formatInterval({ first, last }: GtidInterval): string {
  return first === last ? `${first}` : `${first}-${last}`;
}

function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}

function malformed(reason: string): BinlogError {
  return new BinlogError('MYSQL_GTID_SET_MALFORMED', `gtid set: ${reason}`);
}
