import { assertNever } from '../../base/assert.ts';
import type { Random } from '../../base/random.ts';
import { tickLagHandOn } from './apply-lag.ts';
import { tickCheckQuorum } from './check-quorum.ts';
import { compact, snapshotAt } from './compaction.ts';
import { checkRaftConfig, type RaftConfig } from './config.ts';
import type { Effect } from './effects.ts';
import {
  countOwnVote,
  receivePreVoteResponse,
  receiveTimeoutNow,
  receiveVoteResponse,
  tickElection,
} from './election.ts';
import {
  receiveReadIndexRequest,
  receiveReadIndexResponse,
  receiveReadOfLeader,
  tickForwardedReads,
} from './follower-reads.ts';
import { tickDeparting } from './followers.ts';
import { tickHandOn } from './hand-on.ts';
import type { Input } from './inputs.ts';
import { Invariants } from './invariants.ts';
import { continueTransfer, requestTransfer, tickTransfer } from './leadership-transfer.ts';
import { promoteLearner } from './learner-promotion.ts';
import type { RestoredState } from './log.ts';
import { changeMembership } from './membership-change.ts';
import type { Message } from './messages.ts';
import { propose } from './proposals.ts';
import { followerUnreachable, openRound, receiveRead, tickRounds } from './read-index.ts';
import { receiveAppendRequest } from './receive-append.ts';
import { advanceCommit, receiveAppendResponse } from './receive-append-response.ts';
import {
  receiveInstallSnapshot,
  receiveSnapshotFailed,
  receiveSnapshotInstalled,
} from './receive-snapshot.ts';
import { receivePreVoteRequest, receiveVoteRequest } from './receive-vote.ts';
import { receiveRemovedNotice, tellIfRemoved } from './removal.ts';
import { broadcastCommitNews, repeatOffers } from './replication.ts';
import type { LeaderState } from './role-state.ts';
import { becomeFollower } from './roles.ts';
import type { SnapshotMeta } from './snapshot.ts';
import { RaftState } from './state.ts';
import { type MachineStatus, statusOf } from './status.ts';
import type { LogIndex, NodeId } from './types.ts';

/**
 * One Raft member as a deterministic machine: facts in, orders out. It reads no clock, no disk and no network, and keeps no
 * payload. The caller carries out the effects in their order, each once its condition holds, and reports back.
 * Same configuration, same random source, same inputs: same effects.
 */
export class RaftMachine {
  readonly #state: RaftState;
  readonly #invariants: Invariants = new Invariants();
  #status: MachineStatus | null = null;

  constructor(options: {
    readonly config: RaftConfig;
    readonly random: Random;
    readonly restored: RestoredState;
  }) {
    checkRaftConfig(options.config);
    this.#state = new RaftState(options);
    this.#invariants.check(this.#state);
  }

  /** The view after the latest step; the same object until the next. */
  get status(): MachineStatus {
    this.#status ??= statusOf(this.#state);
    return this.#status;
  }

  /**
   * What a snapshot of the state at `index` is to be filed under; null when it is not an applied entry of this log, so that no
   * such state can be named.
   */
  describeSnapshot(index: LogIndex): SnapshotMeta | null {
    const { base, appliedIndex } = this.#state.log;
    const isNamed = index >= Math.max(1, base.index) && index <= appliedIndex;
    return isNamed ? snapshotAt(this.#state, index) : null;
  }

  step(input: Input): readonly Effect[] {
    this.#status = null;
    receive(this.#state, input);
    const effects = this.#state.takeEffects();
    this.#invariants.check(this.#state);
    return effects;
  }
}

function receive(state: RaftState, input: Input): void {
  switch (input.kind) {
    case 'tick':
      receiveTick(state);
      break;
    case 'message':
      receiveMessage(state, input.from, input.message);
      break;
    case 'propose':
      propose(state, input.payloads);
      break;
    case 'persisted':
      receivePersisted(state, input.ioId);
      break;
    case 'read-index':
      receiveRead(state, input.readId);
      break;
    case 'read-index-of-leader':
      receiveReadOfLeader(state, input.readId);
      break;
    case 'transfer-leadership':
      requestTransfer(state, input);
      break;
    case 'change-membership':
      changeMembership(state, input);
      break;
    case 'step-down':
      stepDown(state);
      break;
    case 'applied':
      state.log.reportApplied(input.index);
      break;
    case 'set-electable':
      setElectable(state, input.isElectable);
      break;
    case 'set-server-up':
      state.isServerUp = input.isServerUp;
      break;
    case 'peer-unreachable':
    case 'send-failed':
      receiveUnreachable(state, input.peer);
      break;
    case 'compact':
      compact(state, input.upTo);
      break;
    case 'snapshot-installed':
      receiveSnapshotInstalled(state, input.meta);
      break;
    case 'snapshot-failed':
      receiveSnapshotFailed(state, input.meta);
      break;
    default:
      assertNever(input);
  }
}

function receiveTick(state: RaftState): void {
  state.tick += 1;
  const { leader } = state;
  if (leader === null) tickElection(state);
  else tickLeader(state, leader);
  tickForwardedReads(state);
}

function tickLeader(state: RaftState, leader: LeaderState): void {
  if (!tickCheckQuorum(state, leader)) return;
  tickTransfer(state, leader);
  tickDeparting(state, leader);
  if (!tickHandOn(state, leader)) return;
  tickLagHandOn(state, leader);
  promoteLearner(state, leader);
  tickRounds(state, leader);
  leader.ticksSinceHeartbeat += 1;
  if (leader.ticksSinceHeartbeat < state.config.heartbeatTicks) {
    broadcastCommitNews(state, leader);
    return;
  }
  openRound(state, leader);
  repeatOffers(state, leader);
  continueTransfer(state, leader);
}

function receiveMessage(state: RaftState, from: NodeId, message: Message): void {
  const isOther = from !== state.config.self;
  const isTold = isOther && tellIfRemoved(state, from, message);
  if (!isOther || !isHeeded(state, from, message)) {
    if (!isTold) state.refusedMessages += 1;
    return;
  }
  switch (message.kind) {
    case 'pre-vote-request':
      receivePreVoteRequest(state, from, message);
      break;
    case 'pre-vote-response':
      receivePreVoteResponse(state, from, message);
      break;
    case 'vote-request':
      receiveVoteRequest(state, from, message);
      break;
    case 'vote-response':
      receiveVoteResponse(state, from, message);
      break;
    case 'append-request':
      receiveAppendRequest(state, from, message);
      break;
    case 'append-response':
      receiveAppendResponse(state, from, message);
      break;
    case 'timeout-now':
      receiveTimeoutNow(state, from, message);
      break;
    case 'install-snapshot':
      receiveInstallSnapshot(state, from, message);
      break;
    case 'read-index-request':
      receiveReadIndexRequest(state, from, message);
      break;
    case 'read-index-response':
      receiveReadIndexResponse(state, from, message);
      break;
    case 'removed-notice':
      receiveRemovedNotice(state, message);
      break;
    default:
      assertNever(message);
  }
}

/**
 * Only members are counted on, whoever else has the address (HAZARDS R3, I12). But a leader or a candidate may be a member by a newer
 * configuration than this node has, so others must be heeded too (Raft thesis §4.1): where they ask something, and no leader that this
 * node knows of may be alive. Who is the only voter has the newest configuration. Who was a member until a configuration that
 * may still be undone is as good as one.
 */
function isHeeded(state: RaftState, from: NodeId, message: Message): boolean {
  if (state.isMember(from) || state.leaderId === from) return true;
  switch (message.kind) {
    case 'pre-vote-request':
    case 'vote-request':
    case 'append-request':
    case 'install-snapshot': {
      // Whoever still leads a term that is over is told, also if it was removed meanwhile: nobody else answers it.
      const isVoteAsked = message.kind === 'pre-vote-request' || message.kind === 'vote-request';
      if (!isVoteAsked && message.term < state.term) return true;
      if (state.mayBeMemberAgain(from)) return true;
      return !state.isOnlyVoter && (state.isWaiting || !state.mayALeaderBeAlive);
    }
    case 'append-response':
      return state.leader?.followers.has(from) === true;
    // Who was removed asks the members it knows, so the answer is from one of them.
    case 'removed-notice':
    case 'timeout-now':
    case 'pre-vote-response':
    case 'vote-response':
    case 'read-index-request':
    case 'read-index-response':
      return false;
    default:
      return assertNever(message);
  }
}

function receivePersisted(state: RaftState, ioId: number): void {
  state.writes.complete(ioId);
  countOwnVote(state);
  const { leader } = state;
  if (leader !== null) advanceCommit(state, leader);
}

function stepDown(state: RaftState): void {
  if (state.role.kind !== 'follower') {
    becomeFollower(state, { term: state.term, leaderId: null });
  }
  // Longer than any other node waits, so that another leads next if one can.
  state.resetElectionTimer();
  state.electionTimeoutTicks = state.config.electionTicksMax;
}

function receiveUnreachable(state: RaftState, peer: NodeId): void {
  const { leader } = state;
  const progress = leader?.followers.get(peer);
  if (leader === null || progress === undefined) return;
  progress.probeAgain();
  followerUnreachable(state, leader, peer);
}

/** A campaign under way ends as well: what made the node unfit holds for it too. */
function setElectable(state: RaftState, isElectable: boolean): void {
  state.isElectable = isElectable;
  const isCampaigning = state.role.kind === 'pre-candidate' || state.role.kind === 'candidate';
  if (!isElectable && isCampaigning) becomeFollower(state, { term: state.term, leaderId: null });
}
