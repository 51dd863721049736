import type { RoleState } from '../../../mysql-bridge/role/role-types.ts';
import { transactionsIn } from '../node-state.ts';
import { textOf } from '../text.ts';
import type { Checker } from './checker.ts';

const servingKinds: readonly RoleState['kind'][] = [
  'replica',
  'catching-up',
  'taking-over',
  'primary',
  'quiescing',
  'handing-over',
  'resuming',
];

/**
 * HAZARDS G5: a node whose engine holds what the log does not never serves, on neither port. An administrator's write that went
 * through the log, because it waited when its server was promoted, is a write as any other. A node that knows it is errant keeps its
 * gate shut and does not stand for election.
 */
export const g5Errant: Checker = {
  property: 'G5',
  onNode: ({ node, role, isErrantKnown }, { ledger }) => {
    const committed = transactionsIn(ledger);
    const errant = node.engine.find((each) => !committed.includes(each));
    const isServing = node.isUp && node.isServerUp && servingKinds.includes(role.kind);
    if (errant !== undefined && isServing)
      return `it is ${role.kind} with the errant ${textOf(errant)}`;
    if (isErrantKnown && node.gateTerm > 0) return 'its gate is open while it knows it is errant';
    if (isErrantKnown && node.isElectable) return 'it may be elected while it knows it is errant';
    return null;
  },
};
