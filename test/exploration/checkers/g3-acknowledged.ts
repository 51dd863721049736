import { termOfEntry, transactionIn } from '../node-state.ts';
import { textOf } from '../text.ts';
import type { Checker } from './checker.ts';

/**
 * HAZARDS G3: every acknowledged write survives. It is committed when its client hears OK, no commit contradicts an earlier
 * one, and no server whose gate opens under a term lacks what was committed before that term, or commits in it by another hand.
 */
export const g3Acknowledged: Checker = {
  property: 'G3',
  onEvent: (event, { ledger }) => {
    if (event.kind === 'answered-ok') {
      const isCommitted = ledger.some((entry) => transactionIn(entry) === event.transaction);
      return isCommitted
        ? null
        : `a client hears OK for ${textOf(event.transaction)}, not committed`;
    }
    if (event.kind !== 'committed') return null;
    const other = event.log.findIndex((entry, place) => entry !== (ledger[place] ?? entry));
    return other === -1 ? null : `index ${other + 1} is committed with another entry than before`;
  },
  onNode: ({ node }, { ledger }) => {
    if (node.gateTerm === 0) return null;
    const lacking = ledger.find((entry) => {
      const transaction = transactionIn(entry);
      const isItsConcern = transaction !== 0 && termOfEntry(entry) <= node.gateTerm;
      return isItsConcern && ![...node.engine, ...node.binlog].includes(transaction);
    });
    if (lacking === undefined) return null;
    return `its gate is open under term ${node.gateTerm} and its server lacks the committed ${textOf(transactionIn(lacking))}`;
  },
};
