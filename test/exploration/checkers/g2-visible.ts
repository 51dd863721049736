import { contentOf, errantWaiting, transactionsIn } from '../node-state.ts';
import { textOf } from '../text.ts';
import type { Checker } from './checker.ts';

/**
 * HAZARDS G2: whatever a client wrote and any engine shows is committed in Raft, the very same transaction and not another of that
 * GTID. Holds of stopped servers too. What an administrator wrote past everything is G5's.
 */
export const g2Visible: Checker = {
  property: 'G2',
  onNode: ({ node }, { ledger }) => {
    const committed = transactionsIn(ledger);
    const early = node.engine.find(
      (each) => contentOf(each) < errantWaiting && !committed.includes(each),
    );
    return early === undefined ? null : `the engine shows ${textOf(early)}, not committed in Raft`;
  },
};
