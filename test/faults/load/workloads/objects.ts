import type { SessionContext } from '../client-workload.ts';
import type { JsonValue } from '../operation-log.ts';
import type { Recorded } from '../recorder.ts';

// Tables, columns, accounts and grants as registers that hold `there` or `gone`: each is changed by one session, with statements that
// are one atomic DDL each (MySQL manual, "Atomic Data Definition Statement Support"), and looked up by the same and at the end.

export type Presence = 'there' | 'gone';

export interface ObjectChange {
  readonly stream: string;
  readonly object: string;
  readonly presence: Presence;
  readonly sql: string;
}

export function change(context: SessionContext, order: ObjectChange): Promise<Recorded> {
  const { stream, object, presence, sql } = order;
  return context.record({
    stream,
    f: 'write',
    input: [object, presence],
    attempt: async () => {
      await context.session.change(sql);
      return [object, presence];
    },
  });
}

/** `sql` counts the rows that say it is there. */
export function lookUp(
  context: SessionContext,
  order: { readonly stream: string; readonly object: string; readonly sql: string },
): Promise<Recorded> {
  const { stream, object, sql } = order;
  return context.record({
    stream,
    f: 'read',
    input: [object, null],
    attempt: async (): Promise<JsonValue> => {
      const [row] = await context.session.rows(sql);
      return [object, Number(row?.['found']) > 0 ? 'there' : 'gone'];
    },
  });
}
