import { transactionsIn } from '../node-state.ts';
import { textOf } from '../text.ts';
import type { Checker } from './checker.ts';

/** HAZARDS G1: an ack is sent only for what is committed in Raft, under the leadership that the tail proposes in. */
export const g1Acks: Checker = {
  property: 'G1',
  onEvent: (event, { ledger }) => {
    if (event.kind !== 'acked') return null;
    const committed = transactionsIn(ledger);
    const early = event.transactions.find((each) => !committed.includes(each));
    if (early !== undefined) return `${textOf(early)} is acked and not committed in Raft`;
    return event.leads ? null : 'an ack is sent without the leadership of its term';
  },
};
