import {
  contentOf,
  type Entry,
  errantHidden,
  errantWaiting,
  numberOf,
  serverOf,
  type Transaction,
  termOfEntry,
  transactionIn,
} from './node-state.ts';

/** `write 1 (B:2)`: the first client's write under the second GTID of node B. */
export function textOf(transaction: Transaction): string {
  if (transaction === 0) return 'nothing';
  return `${nameOfContent(contentOf(transaction))} (${nodeName(serverOf(transaction))}:${numberOf(transaction)})`;
}

export function shortTextOf(transaction: Transaction): string {
  return `${contentOf(transaction)}=${nodeName(serverOf(transaction))}:${numberOf(transaction)}`;
}

export function entryText(entry: Entry): string {
  const transaction = transactionIn(entry);
  return `t${termOfEntry(entry)} ${transaction === 0 ? 'no-op' : shortTextOf(transaction)}`;
}

export function nodeName(position: number): string {
  return String.fromCharCode('A'.charCodeAt(0) + position);
}

function nameOfContent(content: number): string {
  if (content === errantWaiting) return "an administrator's write";
  if (content === errantHidden) return "an administrator's hidden write";
  return `write ${content}`;
}
