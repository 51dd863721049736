import type { Effect, MembershipChangeEnd } from '../../raft/core/effects.ts';
import { type Entry, EntryKind } from '../../raft/core/entry.ts';
import type { Member, Membership } from '../../raft/core/membership.ts';
import { decodeMembership } from '../../raft/core/membership-codec.ts';
import type { Message } from '../../raft/core/messages.ts';
import type { MachineStatus } from '../../raft/core/status.ts';
import type { EntryId } from '../../raft/core/types.ts';

// Text for transcripts: an entry is term/index, a range is first..last.

const shownMax = 20;

export function describeId(id: EntryId): string {
  return `${id.term}/${id.index}`;
}

export function describeEntry(entry: Entry): string {
  if (entry.kind === EntryKind.noOp) return `${describeId(entry)}:no-op`;
  if (entry.kind === EntryKind.membership) {
    const decoded = decodeMembership(entry.payload);
    const text =
      decoded.kind === 'malformed' ? 'malformed' : describeMembership(decoded.membership);
    return `${describeId(entry)}:${text}`;
  }
  const text = new TextDecoder().decode(entry.payload);
  const shown = text.length <= shownMax ? text : `${text.slice(0, 1)}*${text.length}`;
  return `${describeId(entry)}:${shown}`;
}

/** `{n1 n2 w:n3 l:n4}`; joint: `{n1 n2}+{n1}`. A learner that is to be promoted is `p:`. */
export function describeMembership({ incoming, outgoing }: Membership): string {
  return [incoming, outgoing]
    .filter((members, place) => place === 0 || members.length > 0)
    .map((members) => `{${members.map(describeMember).join(' ')}}`)
    .join('+');
}

function describeMember({ id, kind, promotion }: Member): string {
  if (kind === 'learner') {
    const letter = promotion === null ? 'l' : promotion === 'voter' ? 'p' : 'q';
    return `${letter}:${id}`;
  }
  return kind === 'witness' ? `w:${id}` : id;
}

export function describeMessage(message: Message): string {
  const head = `${message.kind} term=${message.term}`;
  switch (message.kind) {
    case 'pre-vote-request': {
      const { last, appliedIndex } = message;
      const lag = appliedIndex === last.index ? '' : ` applied=${appliedIndex}`;
      return `${head} last=${describeId(last)}${lag}`;
    }
    case 'vote-request':
      return `${head} last=${describeId(message.last)}${message.isTransfer ? ' transfer' : ''}`;
    case 'pre-vote-response':
    case 'vote-response':
      return `${head} ${message.granted ? 'granted' : 'denied'}`;
    case 'timeout-now':
      return head;
    case 'removed-notice':
      return `${head} member=${message.member} by=${message.membershipIndex}`;
    case 'install-snapshot':
      return `${head} snapshot=${describeId(message.meta.last)}`;
    case 'read-index-request':
      return `${head} read ${message.readId}`;
    case 'read-index-response': {
      const answer = message.index === null ? 'rejected' : `at ${message.index}`;
      return `${head} read ${message.readId} ${answer}`;
    }
    case 'append-request': {
      const entries = message.entries.map(describeEntry).join(' ');
      const place = `previous=${describeId(message.previous)} commit=${message.commitIndex}`;
      return `${head} ${place} round=${message.readRound} [${entries}]`;
    }
    case 'append-response': {
      const { result } = message;
      const answer =
        result.kind === 'matched'
          ? `matched=${result.matchIndex}`
          : `conflict-at=${result.previousIndex} hint=${describeId(result.conflict)}`;
      return `${head} ${answer} round=${message.readRound} applied=${message.appliedIndex}`;
    }
  }
}

export function describeEffect(effect: Effect): string {
  switch (effect.kind) {
    case 'persist':
      return describePersist(effect);
    case 'send': {
      const wait = effect.after === null ? '' : ` after write ${effect.after}`;
      return `to ${effect.to}${wait}: ${describeMessage(effect.message)}`;
    }
    case 'send-entries': {
      const { previous, firstIndex, lastIndex, commitIndex, readRound } = effect;
      const place = `previous=${describeId(previous)} commit=${commitIndex} round=${readRound}`;
      return `to ${effect.to}: entries ${firstIndex}..${lastIndex} term=${effect.term} ${place}`;
    }
    case 'send-snapshot':
      return [
        `to ${effect.to}: a snapshot of ${effect.coversAtLeast} or later`,
        effect.logBase === null ? null : `, or what it is of: ${describeId(effect.logBase.last)}`,
        `, term=${effect.term}`,
      ].join('');
    case 'fetch-snapshot':
      return `fetch snapshot ${describeId(effect.meta.last)} from ${effect.from}`;
    case 'committed':
      return `committed ${effect.commitIndex}`;
    case 'proposal-accepted':
      return `accepted ${effect.term}/${effect.firstIndex} count=${effect.count}`;
    case 'proposal-rejected':
      return `proposal rejected: ${effect.reason}, leader=${effect.leaderId ?? '-'}`;
    case 'read-ready':
      return `read ${effect.readId} ready at ${effect.index}`;
    case 'read-rejected':
      return `read ${effect.readId} rejected, leader=${effect.leaderId ?? '-'}`;
    case 'role-changed':
      return `${effect.role} in term ${effect.term}, leader=${effect.leaderId ?? '-'}`;
    case 'membership-changed':
      return `members at ${effect.index}: ${describeMembership(effect.membership)}`;
    case 'membership-change-ended':
      return `change ${effect.changeId} ${describeEnd(effect.end)}`;
    case 'transfer-ended':
      return `${effect.transferId === null ? 'own ' : ''}transfer ${effect.outcome}: ${effect.reason}`;
  }
}

function describeEnd(end: MembershipChangeEnd): string {
  switch (end.kind) {
    case 'committed':
      return `committed at ${end.index}`;
    case 'rejected':
      return `rejected: ${end.reason}, ${end.detail}, leader=${end.leaderId ?? '-'}`;
    case 'unsettled':
      return `unsettled, leader=${end.leaderId ?? '-'}`;
  }
}

export function describeStatus(status: MachineStatus): string {
  const { role, term, leaderId, lastIndex, persistedIndex, commitIndex, appliedIndex } = status;
  const flags = [
    status.firstIndex === 1 ? null : `first=${status.firstIndex}`,
    status.leaderReadyIndex === null ? null : `ready=${status.leaderReadyIndex}`,
    status.isTailDecided ? 'tail-decided' : null,
    status.isTransferring ? 'transferring' : null,
    status.isLeaseSafe ? `quorum-round=${status.quorumRound}/${status.readRound}` : null,
    status.memberKind === 'voter' ? null : (status.memberKind ?? 'no-member'),
    status.installingIndex === null ? null : `installing=${status.installingIndex}`,
    status.isRemoved ? 'removed' : null,
    status.refusedMessages > 0 ? `refused=${status.refusedMessages}` : null,
  ].filter((flag) => flag !== null);
  const pointers = `last=${lastIndex} persisted=${persistedIndex} commit=${commitIndex} applied=${appliedIndex}`;
  return [`${role} term=${term} leader=${leaderId ?? '-'} ${pointers}`, ...flags].join(' ');
}

function describePersist(effect: Extract<Effect, { kind: 'persist' }>): string {
  const { hardState, truncateFrom, snapshot, entries } = effect;
  return [
    `write ${effect.ioId}:`,
    hardState === null ? null : `term=${hardState.term} vote=${hardState.votedFor ?? '-'}`,
    truncateFrom === null ? null : `truncate-from=${truncateFrom}`,
    snapshot === null ? null : `begin-behind=${describeId(snapshot.last)}`,
    entries.length === 0 ? null : `append ${entries.map(describeEntry).join(' ')}`,
  ]
    .filter((part) => part !== null)
    .join(' ');
}
