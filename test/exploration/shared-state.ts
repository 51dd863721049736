import type { Cost, NodeAction } from './node-actions.ts';
import { contentOf, type Entry, renameEntry, renameTransaction } from './node-state.ts';

export const clientState = { unsent: 0, sent: 1, refused: 2 } as const;

export function nameOfClientState(client: number): 'unsent' | 'sent' | 'refused' | 'ok' {
  switch (client) {
    case clientState.unsent:
      return 'unsent';
    case clientState.sent:
      return 'sent';
    case clientState.refused:
      return 'refused';
    default:
      return 'ok';
  }
}

/** What is true of the whole cluster: the log as ever committed, what clients know, and which faults may still come. */
export interface Shared {
  /** The committed entries, by whichever leader knew first. It only grows. */
  readonly ledger: readonly Entry[];
  /** For each write a `clientState`, or the transaction that its client heard OK for. */
  readonly clients: readonly number[];
  readonly budget: Readonly<Record<Cost, number>>;
}

export function keyOfShared({ ledger, clients, budget }: Shared): string {
  return `${ledger.join(',')}|${clients.join(',')}|${Object.values(budget).join(',')}`;
}

export function renameShared(shared: Shared, to: readonly number[]): Shared {
  return {
    ...shared,
    ledger: shared.ledger.map((entry) => renameEntry(entry, to)),
    clients: shared.clients.map((each) => (each < 100 ? each : renameTransaction(each, to))),
  };
}

/** Null where the budget, or the order in which clients send, does not allow the step. */
export function spend(shared: Shared, { cost, sends }: NodeAction): Shared | null {
  let { budget, clients } = shared;
  if (cost !== null) {
    if (budget[cost] === 0) return null;
    budget = { ...budget, [cost]: budget[cost] - 1 };
  }
  if (sends > 0) {
    // Writes are alike: the first is sent before the second.
    if (clients.indexOf(clientState.unsent) !== sends - 1) return null;
    clients = clients.with(sends - 1, clientState.sent);
  }
  return { ...shared, budget, clients };
}

/** The events that are commits come first: what is acked in the same step relies on them. */
export function afterCommits(shared: Shared, { events }: NodeAction): Shared {
  let { ledger } = shared;
  for (const event of events) {
    if (event.kind === 'committed' && event.log.length > ledger.length) ledger = event.log;
  }
  return { ...shared, ledger };
}

export function afterAnswers(shared: Shared, { events }: NodeAction): Shared {
  let { clients } = shared;
  for (const event of events) {
    if (event.kind === 'answered-ok') {
      clients = clients.with(contentOf(event.transaction) - 1, event.transaction);
    }
    if (event.kind === 'answered-error') {
      clients = clients.with(event.content - 1, clientState.refused);
    }
  }
  return { ...shared, clients };
}
