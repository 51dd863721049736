import { HistoryMalformedError } from '../errors.ts';
import type { HistoryValue, ProcessName } from '../history.ts';
import { formatValue } from '../values.ts';
import type { RawEvent } from './event-source.ts';

export const eventTypes = ['invoke', 'ok', 'fail', 'info'] as const;
export type EventType = (typeof eventTypes)[number];

/** A call or an end, as one line of a history tells it. Keys other than these are not looked at. */
export interface HistoryEvent {
  readonly process: ProcessName;
  readonly type: EventType;
  readonly f: string;
  readonly value: HistoryValue;
  readonly timeNanos: number | null;
  /** As the file numbers its events, if it does. */
  readonly index: number | null;
  readonly line: number;
}

/** What an event says; an error that names its line where it says nothing that can be understood. */
export function eventFrom({ map, line, column }: RawEvent): HistoryEvent {
  const refuse = (reason: string): never => {
    throw new HistoryMalformedError({ line, column }, reason);
  };
  const type = eventTypes.find((known) => known === map.get('type'));
  const process = processName(map.get('process') ?? null);
  const f = map.get('f') ?? null;
  if (process === null) {
    const found = formatValue(map.get('process') ?? null, 60);
    return refuse(`an event needs :process, a whole number or a name, not ${found}`);
  }
  if (type === undefined) {
    const found = formatValue(map.get('type') ?? null, 60);
    return refuse(`an event needs :type, one of :invoke, :ok, :fail, :info, not ${found}`);
  }
  if (typeof f !== 'string' && typeof process === 'number') {
    return refuse(`an event needs :f, a name, not ${formatValue(f, 60)}`);
  }
  return {
    process,
    type,
    f: typeof f === 'string' ? f : formatValue(f, 60),
    value: map.get('value') ?? null,
    timeNanos: numberOrNull(map.get('time')),
    index: numberOrNull(map.get('index')),
    line,
  };
}

/** Clients are numbers, also where a converter made strings of them. */
function processName(value: HistoryValue): ProcessName | null {
  if (typeof value === 'number' && Number.isInteger(value)) return value;
  if (typeof value !== 'string' || value === '') return null;
  return /^\d{1,15}$/.test(value) ? Number(value) : value;
}

function numberOrNull(value: HistoryValue | undefined): number | null {
  if (typeof value === 'bigint') return Number(value);
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}
