import type { HistoryValue, ProcessName } from '../history.ts';
import type { EventType } from '../parse/event.ts';
import { isArray } from '../values.ts';

/** An event as a file shall hold it. `extra` is for people and other programs: no model looks at it. */
export interface WrittenEvent {
  readonly process: ProcessName;
  readonly type: EventType;
  readonly f: string;
  readonly value: HistoryValue;
  readonly timeNanos: number;
  readonly index: number;
  readonly extra?: Readonly<Record<string, string>>;
}

/** One line of Jepsen's EDN, without its end: `{:process 0, :type :invoke, :f :read, :value nil, :time 1, :index 0}`. */
export function ednLine(event: WrittenEvent): string {
  const { process, type, f, value, timeNanos, index, extra = {} } = event;
  const steps = f === 'txn' ? ednTransaction(value) : edn(value);
  const fields = [
    `:process ${typeof process === 'number' ? process : keyword(process)}`,
    `:type :${type}`,
    `:f ${keyword(f)}`,
    `:value ${steps}`,
    `:time ${timeNanos}`,
    `:index ${index}`,
    ...Object.entries(extra).map(([key, text]) => `${keyword(key)} ${ednString(text)}`),
  ];
  return `{${fields.join(', ')}}`;
}

/** One JSON object in one line, without its end. Integers beyond 2^53 keep all their digits. */
export function jsonLine(event: WrittenEvent): string {
  const { process, type, f, value, timeNanos, index, extra = {} } = event;
  const head = JSON.stringify({ index, process, type, f, time: timeNanos, ...extra });
  return `${head.slice(0, -1)},"value":${json(value)}}`;
}

/** Elle knows the steps of a transaction by keywords: `[[:append 1 2] [:r 1 nil]]`. */
function ednTransaction(value: HistoryValue): string {
  if (!isArray(value)) return edn(value);
  const steps = value.map((step) => {
    if (!isArray(step)) return edn(step);
    const [head = null, ...rest] = step;
    const name = typeof head === 'string' ? keyword(head) : edn(head);
    return `[${[name, ...rest.map(edn)].join(' ')}]`;
  });
  return `[${steps.join(' ')}]`;
}

function edn(value: HistoryValue): string {
  if (value === null) return 'nil';
  if (isArray(value)) return `[${value.map(edn).join(' ')}]`;
  if (value instanceof Map) {
    return `{${[...value].map(([key, held]) => `${edn(key)} ${edn(held)}`).join(', ')}}`;
  }
  if (typeof value === 'string') return ednString(value);
  if (typeof value === 'number' && !Number.isFinite(value)) {
    if (Number.isNaN(value)) return '##NaN';
    return value > 0 ? '##Inf' : '##-Inf';
  }
  return String(value);
}

function json(value: HistoryValue): string {
  if (isArray(value)) return `[${value.map(json).join(',')}]`;
  if (value instanceof Map) {
    const entries = [...value].map(([key, held]) => {
      const name = typeof key === 'string' ? key : edn(key);
      return `${JSON.stringify(name)}:${json(held)}`;
    });
    return `{${entries.join(',')}}`;
  }
  return typeof value === 'bigint' ? String(value) : JSON.stringify(value);
}

/** What is no name in EDN is written as a string, which readers take for the same. */
function keyword(name: string): string {
  return /^[A-Za-z][\w.*+!?-]*$/.test(name) ? `:${name}` : ednString(name);
}

/** EDN has the escapes of JSON that are used here: quote, backslash, newline, return, tab, and four digits after a u. */
function ednString(text: string): string {
  return JSON.stringify(text);
}
