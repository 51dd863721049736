import { contentOf, transactionIn } from '../node-state.ts';
import { clientState } from '../shared-state.ts';
import { textOf } from '../text.ts';
import type { Checker } from './checker.ts';

/** HAZARDS G4: a write answered with a definite error is absent, from the log and from every engine, now and later. */
export const g4Errors: Checker = {
  property: 'G4',
  onNode: ({ node }, { ledger, clients }) => {
    const shown = [...node.engine, ...ledger.map(transactionIn)].find(
      (transaction) => clients[contentOf(transaction) - 1] === clientState.refused,
    );
    return shown === undefined ? null : `${textOf(shown)} is there, and its client heard an error`;
  },
};
