import { assertNever } from '../../../base/assert.ts';
import type { Message } from '../../../raft/core/messages.ts';
import type { EntryId } from '../../../raft/core/types.ts';

/** A message in the trace: `app t3 12@3 +2 c11 r40` reads: append of term 3 behind 12@3, 2 entries, commit 11, round 40. */
export function messageText(message: Message): string {
  switch (message.kind) {
    case 'pre-vote-request':
      return `pre? t${message.term} ${idText(message.last)} a${message.appliedIndex}`;
    case 'pre-vote-response':
      return `pre${sign(message.granted)} t${message.term}`;
    case 'vote-request':
      return `vote? t${message.term} ${idText(message.last)}${message.isTransfer ? ' transfer' : ''}`;
    case 'vote-response':
      return `vote${sign(message.granted)} t${message.term}`;
    case 'append-request':
      return `app t${message.term} ${idText(message.previous)} +${message.entries.length} c${message.commitIndex} r${message.readRound}`;
    case 'append-response':
      return `ack t${message.term} r${message.readRound} a${message.appliedIndex} ${resultText(message.result)}`;
    case 'timeout-now':
      return `now! t${message.term}`;
    case 'install-snapshot':
      return `snap t${message.term} ${idText(message.meta.last)}`;
    case 'read-index-request':
      return `read? t${message.term} #${message.readId}`;
    case 'read-index-response':
      return `read t${message.term} #${message.readId} ${message.index ?? 'no'}`;
    case 'removed-notice':
      return `removed t${message.term} by ${message.membershipIndex}`;
    default:
      return assertNever(message);
  }
}

function resultText(
  result: Extract<Message, { readonly kind: 'append-response' }>['result'],
): string {
  return result.kind === 'matched'
    ? `m${result.matchIndex}`
    : `conflict ${result.previousIndex} ${idText(result.conflict)}`;
}

/** `index@term` */
function idText({ term, index }: EntryId): string {
  return `${index}@${term}`;
}

function sign(granted: boolean): string {
  return granted ? '+' : '-';
}
