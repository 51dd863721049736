import { assertNever } from '../base/assert.ts';
import { OperationalError } from '../base/errors.ts';
import { FatalError } from '../base/fatal.ts';
import type { MembershipRejection, ProposalRejection } from './core/effects.ts';
import type { SnapshotMeta } from './core/snapshot.ts';
import type { NodeId } from './core/types.ts';

/** Another node leads, or none does. Nothing was appended and nothing was read: ask `leaderId`, if known. */
export class NotLeaderError extends OperationalError {
  override readonly name = 'NotLeaderError';
  readonly leaderId: NodeId | null;

  constructor(leaderId: NodeId | null) {
    const hint = leaderId === null ? 'no leader is known, try again' : `ask ${leaderId}`;
    super('RAFT_NOT_LEADER', `this node does not lead: ${hint}`, { retryable: true });
    this.leaderId = leaderId;
  }
}

/** Leadership is being handed over. Nothing was appended. */
export class TransferringError extends OperationalError {
  override readonly name = 'TransferringError';

  constructor() {
    super('RAFT_TRANSFERRING', 'leadership is being handed over: try again when that has ended', {
      retryable: true,
    });
  }
}

/** A maximum of what may wait is reached. Nothing was appended or begun. */
export class TooManyInFlightError extends OperationalError {
  override readonly name = 'TooManyInFlightError';

  constructor(what: string) {
    super('RAFT_TOO_MANY_IN_FLIGHT', `${what}: try again after some have ended`, {
      retryable: true,
    });
  }
}

/** A transfer of leadership did not happen; this node goes on as before. */
export class TransferAbortedError extends OperationalError {
  override readonly name = 'TransferAbortedError';

  constructor(reason: string) {
    super('RAFT_TRANSFER_ABORTED', `leadership was not handed over: ${reason}`, {
      retryable: true,
    });
  }
}

/** The members were not changed. `reason` says what stands against it; nothing was appended. */
export class MembershipRefusedError extends OperationalError {
  override readonly name = 'MembershipRefusedError';
  readonly reason: MembershipRejection;

  constructor(reason: MembershipRejection, detail: string) {
    super('RAFT_MEMBERSHIP_REFUSED', `the members were not changed: ${detail}`, {
      retryable: passingReasons.includes(reason),
    });
    this.reason = reason;
  }
}

/** What ends without anybody doing anything about it. */
const passingReasons: readonly MembershipRejection[] = [
  'not-ready',
  'change-in-progress',
  'not-caught-up',
  'no-quorum-heard',
];

/** Leadership was lost during a change of members: it may come about, or never have been. The status of the leader tells. */
export class MembershipUnsettledError extends OperationalError {
  override readonly name = 'MembershipUnsettledError';
  readonly leaderId: NodeId | null;

  constructor(leaderId: NodeId | null) {
    super(
      'RAFT_MEMBERSHIP_UNSETTLED',
      'leadership was lost while the members were changed: look at the members before trying again',
    );
    this.leaderId = leaderId;
  }
}

/** This member is closed, or ended by a fatal error. */
export class ShuttingDownError extends OperationalError {
  override readonly name = 'ShuttingDownError';

  constructor() {
    super('RAFT_SHUTTING_DOWN', 'this node is shutting down: ask another one');
  }
}

/** A snapshot is not held any more: a newer one took its place. */
export class SnapshotGoneError extends OperationalError {
  override readonly name = 'SnapshotGoneError';

  constructor(detail: string) {
    super('RAFT_SNAPSHOT_GONE', `${detail}: a newer one is offered soon`, { retryable: true });
  }
}

/** The bytes of a snapshot are not those that were stored. Nothing of it was taken. */
export class SnapshotDamagedError extends OperationalError {
  override readonly name = 'SnapshotDamagedError';

  constructor({ last }: SnapshotMeta, reason: string) {
    super(
      'RAFT_SNAPSHOT_DAMAGED',
      `snapshot ${last.term}/${last.index} is damaged: ${reason}; take a new one`,
    );
  }
}

/** A snapshot could not be fetched from a peer. Nothing of it was taken; it is offered again. */
export class SnapshotFetchError extends OperationalError {
  override readonly name = 'SnapshotFetchError';

  constructor(reason: string, cause?: unknown) {
    super('RAFT_SNAPSHOT_FAILED', `the snapshot could not be fetched: ${reason}`, {
      retryable: true,
      cause,
    });
  }
}

/** What keeps snapshots hangs, and may still put a state in place at any later time: only a new process knows where it stands. */
export function snapshotStuck(stalledMs: number): FatalError {
  return new FatalError(
    'SNAPSHOT_STUCK',
    `a snapshot is being installed and its store has not answered for ${stalledMs} ms; check the disk, then start the node again`,
  );
}

/** What the caller of `propose` is told when the machine says no. */
export function proposalError(rejection: {
  readonly reason: ProposalRejection;
  readonly leaderId: NodeId | null;
}): Error {
  switch (rejection.reason) {
    case 'not-leader':
      return new NotLeaderError(rejection.leaderId);
    case 'transferring':
      return new TransferringError();
    case 'too-many-in-flight':
      return new TooManyInFlightError('too many bytes are appended and not yet committed');
    default:
      return assertNever(rejection.reason);
  }
}
