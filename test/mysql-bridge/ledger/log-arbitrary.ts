import fc from 'fast-check';
import { utf8 } from '../../../base/bytes.ts';
import { encodeEntryPayload } from '../../../mysql-bridge/binlog/entry-payload.ts';
import type { Gtid } from '../../../mysql-bridge/binlog/gtid.ts';
import { type Entry, EntryKind } from '../../../raft/core/entry.ts';
import { logIndex, term } from '../../../raft/core/types.ts';

export const serverA = '11111111-1111-1111-1111-111111111111';
export const serverB = '22222222-2222-2222-2222-222222222222';

export function gtidOf(number: number, serverUuid: string = serverA): Gtid {
  return { serverUuid, tag: '', number: BigInt(number) };
}

/** What a random log is made of; `sent` of `fragments` fragments reach the log before something else does. */
export type Step =
  | { readonly kind: 'new-term' }
  | { readonly kind: 'transaction'; readonly server: string; readonly fragments: number }
  | {
      readonly kind: 'abandoned';
      readonly server: string;
      readonly fragments: number;
      readonly sent: number;
    };

const server = fc.constantFrom(serverA, serverB);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 1, arbitrary: fc.constant<Step>({ kind: 'new-term' }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('transaction' as const),
      server,
      fragments: fc.oneof({ weight: 3, arbitrary: fc.constant(1) }, fc.integer({ min: 2, max: 4 })),
    }),
  },
  {
    weight: 1,
    arbitrary: fc
      .record({ server, fragments: fc.integer({ min: 2, max: 4 }), sent: fc.nat() })
      .map(({ sent, ...rest }) => ({
        kind: 'abandoned' as const,
        ...rest,
        sent: 1 + (sent % (rest.fragments - 1)),
      })),
  },
);
export const steps: fc.Arbitrary<Step[]> = fc.array(step, { maxLength: 40 });

/** A transaction as the steps meant it: the naive oracle never looks at the entries. */
export interface MeantTransaction {
  readonly gtid: Gtid;
  readonly firstIndex: number;
  readonly finalIndex: number;
}

export interface BuiltLog {
  readonly entries: readonly Entry[];
  readonly transactions: readonly MeantTransaction[];
}

/** A transaction's payload for one of its fragments. */
export type PayloadMaker = (
  gtid: Gtid,
  part: { readonly fragment: number; readonly fragments: number },
) => Uint8Array;

export function buildLog(plan: readonly Step[], makePayload: PayloadMaker = payloadOf): BuiltLog {
  const entries: Entry[] = [];
  const transactions: MeantTransaction[] = [];
  const next = new Map<string, number>();
  let currentTerm = 1;
  const append = (kind: EntryKind, payload: Uint8Array): void => {
    const index = logIndex(entries.length + 1);
    entries.push({ term: term(currentTerm), index, kind, payload });
  };
  for (const part of plan) {
    if (part.kind === 'new-term') {
      currentTerm += 1;
      append(EntryKind.noOp, new Uint8Array(0));
      continue;
    }
    const number = (next.get(part.server) ?? 0) + 1;
    const gtid = gtidOf(number, part.server);
    const sent = part.kind === 'abandoned' ? part.sent : part.fragments;
    for (let fragment = 0; fragment < sent; fragment += 1) {
      append(EntryKind.data, makePayload(gtid, { fragment, fragments: part.fragments }));
    }
    if (part.kind === 'abandoned') continue;
    next.set(part.server, number);
    const finalIndex = entries.length;
    transactions.push({ gtid, firstIndex: finalIndex - part.fragments + 1, finalIndex });
  }
  return { entries, transactions };
}

/** An entry's payload that says which transaction it is of, with events that nobody reads. */
export function payloadOf(
  gtid: Gtid,
  part: { readonly fragment: number; readonly fragments: number } = { fragment: 0, fragments: 1 },
): Uint8Array {
  const events = utf8(`events of ${gtid.number}`);
  return encodeEntryPayload({
    gtid,
    fragment: part.fragment,
    isFinal: part.fragment === part.fragments - 1,
    transactionBytes: BigInt(events.length * part.fragments),
    events,
  });
}
