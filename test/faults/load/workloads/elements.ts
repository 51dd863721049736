import type { SessionContext } from '../client-workload.ts';
import type { JsonValue } from '../operation-log.ts';
import type { Recorded } from '../recorder.ts';
import type { SqlRow } from '../sql-session.ts';

// A set of unique elements, each a row or several: added by one operation, and read whole.

/** Adds an element that nobody else adds. */
export function addElement(
  context: SessionContext,
  order: { readonly stream: string; readonly insert: (element: number) => Promise<void> },
): Promise<Recorded> {
  const element = context.uniqueNumber();
  return context.record({
    stream: order.stream,
    f: 'add',
    input: element,
    attempt: async () => {
      await order.insert(element);
      return element;
    },
  });
}

/** Reads all; `elementOf` names what a row is, the row's id if nothing else is said. What nobody added is what a checker complains of. */
export function readElements(
  context: SessionContext,
  order: {
    readonly stream: string;
    readonly sql: string;
    readonly elementOf?: (row: SqlRow) => JsonValue;
  },
): Promise<Recorded> {
  const { stream, sql, elementOf = idOf } = order;
  return context.record({
    stream,
    f: 'read',
    input: null,
    attempt: async () => (await context.session.rows(sql)).map(elementOf),
  });
}

function idOf(row: SqlRow): number {
  return Number(row['id']);
}
