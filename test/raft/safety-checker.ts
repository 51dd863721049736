import { assert } from '../../base/assert.ts';
import { fromUtf8 } from '../../base/bytes.ts';
import type { Effect, PersistEffect } from '../../raft/core/effects.ts';
import { type Entry, EntryKind } from '../../raft/core/entry.ts';
import { type Membership, voterSetsOf } from '../../raft/core/membership.ts';
import { decodeMembership } from '../../raft/core/membership-codec.ts';
import type { Message } from '../../raft/core/messages.ts';
import type { LogIndex, NodeId, Term } from '../../raft/core/types.ts';
import { entryAt, type LogImage, lastIndexOf, type SimulatedNode } from './simulated-node.ts';

/** What one node was seen to have, since its latest start. */
interface Seen {
  readonly term: Term;
  readonly commitIndex: LogIndex;
  readonly appliedIndex: LogIndex;
  /** While it leads. */
  readonly ledTerm: Term | null;
  readonly lastIndex: number;
}

/**
 * Looks at all nodes from outside, after every step, and holds them to the properties of HAZARDS I1–I11. It keeps the
 * whole history, so that nothing is forgiven because a node forgot it in a crash.
 */
export class SafetyChecker {
  readonly #nodes: readonly SimulatedNode[];
  /** I1. */
  readonly #leaders = new Map<Term, NodeId>();
  /** I7: by node and term, over restarts. */
  readonly #votes = new Map<string, NodeId>();
  /** I3: every entry ever appended, by term and index, with what stands before it. */
  readonly #entries = new Map<string, string>();
  /** I5: what was committed anywhere, ever. */
  readonly #ledger: string[] = [];
  readonly #seen = new Map<NodeId, Seen>();
  /** The voters of the newest committed configuration; null before the first. */
  #committedMembership: Membership | null = null;
  #configurations = 0;
  #compactions = 0;
  #installs = 0;
  /** The newest index known to be committed anywhere when a read was asked for. */
  readonly #reads = new Map<number, number>();

  constructor(nodes: readonly SimulatedNode[]) {
    this.#nodes = nodes;
  }

  get committedCount(): number {
    return this.#ledger.length;
  }

  get compactionsSeen(): number {
    return this.#compactions;
  }

  /** Snapshots that took the place of a log. */
  get installsSeen(): number {
    return this.#installs;
  }

  get configurationsSeen(): number {
    return this.#configurations;
  }

  get electedCount(): number {
    return this.#leaders.size;
  }

  readAsked(readId: number): void {
    this.#reads.set(readId, this.#ledger.length);
  }

  onEffect(node: SimulatedNode, effect: Effect): void {
    if (effect.kind === 'persist') {
      this.#countSnapshot(node, effect);
      this.#onAppended(node, effect.entries);
    }
    if (effect.kind === 'role-changed' && effect.role === 'leader') {
      this.#onElected(node, effect.term);
    }
    if (effect.kind === 'read-ready') this.#onReadReady(effect);
  }

  /** I8: nothing is revealed that a crash could take back. */
  onSend(node: SimulatedNode, to: NodeId, message: Message): void {
    const { hardState } = node.disk;
    const isQuestion =
      message.kind === 'pre-vote-request' ||
      (message.kind === 'pre-vote-response' && message.granted);
    if (!isQuestion) {
      assert(message.term <= hardState.term, `I8: ${node.id} reveals term ${message.term}`);
    }
    if (message.kind === 'vote-request') this.#onVote(node, message.term, node.id);
    if (message.kind === 'vote-response' && message.granted) this.#onVote(node, message.term, to);
    if (message.kind === 'append-response' && message.result.kind === 'matched') {
      const { matchIndex } = message.result;
      assert(lastIndexOf(node.disk) >= matchIndex, `I8: ${node.id} claims entry ${matchIndex}`);
    }
  }

  /** How far this disk has all that is committed, as entries or as what its log begins behind. */
  heldBy(disk: LogImage): number {
    let held: number = disk.snapshot?.last.index ?? 0;
    while (this.#ledger[held]?.startsWith(`${termAt(disk, held + 1)}/`) === true) held += 1;
    return held;
  }

  restarted(node: SimulatedNode): void {
    this.#seen.delete(node.id);
  }

  /** After every step. */
  check(node: SimulatedNode): void {
    if (!node.isUp) return;
    const { status } = node;
    const before = this.#seen.get(node.id);
    if (before !== undefined) {
      assert(status.term >= before.term, `I6: term of ${node.id}`);
      assert(status.commitIndex >= before.commitIndex, `I6: commit index of ${node.id}`);
      assert(status.appliedIndex >= before.appliedIndex, `I6: applied index of ${node.id}`);
      const stillLeads = status.role === 'leader' && before.ledTerm === status.term;
      assert(!stillLeads || lastIndexOf(node.log) >= before.lastIndex, `I2: log of ${node.id}`);
    }
    // What is compacted away was looked at when it was committed, here or where the snapshot was taken.
    const seen = Math.max(before?.commitIndex ?? 0, status.firstIndex - 1);
    this.#checkSnapshot(node);
    for (let index = seen + 1; index <= status.commitIndex; index += 1) {
      this.#onCommitted(node, index);
    }
    if (status.role === 'leader' && status.commitIndex > (before?.commitIndex ?? 0)) {
      const newestTerm = termAt(node.log, status.commitIndex);
      assert(newestTerm === status.term, `I10: ${node.id} counted an entry of an older term`);
    }
    this.#seen.set(node.id, {
      term: status.term,
      commitIndex: status.commitIndex,
      appliedIndex: status.appliedIndex,
      ledTerm: status.role === 'leader' ? status.term : null,
      lastIndex: lastIndexOf(node.log),
    });
  }

  /** A log begins behind what is committed, and nothing else: so what was compacted away is the ledger's (I4, I5). */
  #checkSnapshot(node: SimulatedNode): void {
    const { snapshot } = node.log;
    if (snapshot === null) return;
    const { term, index } = snapshot.last;
    const known = this.#ledger[index - 1];
    assert(known !== undefined, `${node.id} compacted ${index}, which is not committed`);
    assert(known.startsWith(`${term}/${index}:`), `I5: ${node.id} begins behind ${term}/${index}`);
  }

  #countSnapshot(node: SimulatedNode, { snapshot }: PersistEffect): void {
    if (snapshot === null) return;
    const { term, index } = snapshot.last;
    if (termAt(node.log, index) === term) this.#compactions += 1;
    else this.#installs += 1;
  }

  #onElected(node: SimulatedNode, ledTerm: Term): void {
    const other = this.#leaders.get(ledTerm) ?? node.id;
    assert(other === node.id, `I1: ${other} and ${node.id} lead in term ${ledTerm}`);
    this.#leaders.set(ledTerm, node.id);
    for (const [offset, committed] of this.#ledger.entries()) {
      const own = entryAt(node.log, offset + 1);
      const isCompacted = offset + 1 < node.status.firstIndex;
      const hasIt = isCompacted || (own !== undefined && wholeEntry(own) === committed);
      assert(hasIt, `I4: leader ${node.id} of term ${ledTerm} lacks committed ${committed}`);
    }
  }

  #onVote(node: SimulatedNode, votedTerm: Term, candidate: NodeId): void {
    const { hardState } = node.disk;
    const isDurable =
      hardState.term > votedTerm ||
      (hardState.term === votedTerm && hardState.votedFor === candidate);
    assert(isDurable, `I8: ${node.id} reveals its vote for ${candidate} in term ${votedTerm}`);
    const key = `${node.id} ${votedTerm}`;
    const earlier = this.#votes.get(key) ?? candidate;
    assert(earlier === candidate, `I7: ${key} voted for ${earlier} and ${candidate}`);
    this.#votes.set(key, candidate);
  }

  #onAppended(node: SimulatedNode, entries: readonly Entry[]): void {
    for (const entry of entries) {
      const before = entries.find((other) => other.index === entry.index - 1);
      const previousTerm = before?.term ?? termAt(node.log, entry.index - 1);
      const key = `${entry.term}/${entry.index}`;
      const found = `${wholeEntry(entry)} behind ${previousTerm ?? 0}`;
      const earlier = this.#entries.get(key) ?? found;
      assert(earlier === found, `I3: ${node.id} has ${found} where another had ${earlier}`);
      this.#entries.set(key, found);
      if (entry.kind === EntryKind.membership) this.#onMembershipBegun(node, entry);
    }
  }

  #onCommitted(node: SimulatedNode, index: number): void {
    const entry = entryAt(node.log, index);
    assert(entry !== undefined, `${node.id} committed ${index} without holding it`);
    const found = wholeEntry(entry);
    const known = this.#ledger[index - 1];
    if (known !== undefined) {
      assert(known === found, `I5: ${node.id} committed ${found} where ${known} was`);
      return;
    }
    assert(index === this.#ledger.length + 1, `${node.id} leaves a hole before ${index}`);
    const holders = this.#nodes
      .filter(({ disk }) => entryAt(disk, index)?.term === entry.term || covers(disk, index))
      .map(({ id }) => id);
    // The first to know is the leader that counted, by the configuration it has.
    const isOnQuorum = isQuorumOf(node.status.membership, holders);
    assert(isOnQuorum, `I9: ${found} is on no quorum's disks, only on ${holders}`);
    this.#ledger.push(found);
    if (entry.kind === EntryKind.membership) this.#onMembershipCommitted(entry);
  }

  /** I11: no two quorums of configurations that follow each other are without a common node. */
  #onMembershipCommitted(entry: Entry): void {
    const decoded = decodeMembership(entry.payload);
    assert(decoded.kind === 'membership', `entry ${entry.index} holds no configuration`);
    const before = this.#committedMembership;
    const { membership } = decoded;
    if (before !== null) {
      assert(doQuorumsMeet(before, membership), `I11: ${entry.index} has a quorum of its own`);
    }
    this.#committedMembership = membership;
    this.#configurations += 1;
  }

  /** I11: a leader begins a change when the one before is committed, and an entry of its term. */
  #onMembershipBegun(node: SimulatedNode, entry: Entry): void {
    const { status, entries } = node;
    if (status.role !== 'leader' || entry.term !== status.term) return;
    const ownTerm = termAt(node.log, status.commitIndex);
    assert(ownTerm === status.term, `R4: ${node.id} changes members without a commit`);
    const before = entries.findLast(
      ({ kind, index }) => kind === EntryKind.membership && index < entry.index,
    );
    const isSettled = before === undefined || before.index <= status.commitIndex;
    assert(isSettled, `R5: ${node.id} begins ${entry.index} before ${before?.index} is committed`);
  }

  /** Linearizable: a read sees all that was known to be committed anywhere when it was asked (HAZARDS R8). */
  #onReadReady(effect: Extract<Effect, { kind: 'read-ready' }>): void {
    const committedBefore = this.#reads.get(effect.readId) ?? 0;
    assert(
      effect.index >= committedBefore,
      `C8: read ${effect.readId} sees ${effect.index} of ${committedBefore} committed entries`,
    );
  }
}

/** Also of the entry that a log begins right behind. */
function termAt(log: LogImage, index: number): Term | undefined {
  const { snapshot } = log;
  return snapshot?.last.index === index ? snapshot.last.term : entryAt(log, index)?.term;
}

function covers({ snapshot }: LogImage, index: number): boolean {
  return snapshot !== null && index <= snapshot.last.index;
}

/** Counted one by one, as the words of the thesis say (§4.3), and not as the machine does it. */
export function isQuorumOf(membership: Membership, ids: readonly NodeId[]): boolean {
  const { incoming, outgoing } = voterSetsOf(membership);
  return [incoming, outgoing].every((voters) => {
    const agreeing = voters.filter((voter) => ids.includes(voter));
    return voters.length === 0 || agreeing.length * 2 > voters.length;
  });
}

/** By trying: for each set of nodes that decides by one configuration, the rest must not decide by the other. */
export function doQuorumsMeet(left: Membership, right: Membership): boolean {
  const all = [left, right].flatMap((membership) => Object.values(voterSetsOf(membership)).flat());
  const ids = [...new Set<NodeId>(all)];
  for (let chosen = 0; chosen < 2 ** ids.length; chosen += 1) {
    const some = ids.filter((_, place) => (chosen & (1 << place)) !== 0);
    const rest = ids.filter((id) => !some.includes(id));
    if (isQuorumOf(left, some) && isQuorumOf(right, rest)) return false;
  }
  return true;
}

/** Two entries are the same if all of them is. */
function wholeEntry({ term, index, kind, payload }: Entry): string {
  const text = kind === EntryKind.membership ? payload.join() : fromUtf8(payload);
  return `${term}/${index}:${kind}:${text}`;
}
