import { assert } from '../../base/assert.ts';
import { utf8 } from '../../base/bytes.ts';
import { SeededRandom } from '../../base/random.ts';
import { defaultRaftTimings, type RaftConfig } from '../../raft/core/config.ts';
import type { Effect } from '../../raft/core/effects.ts';
import { type Entry, EntryKind } from '../../raft/core/entry.ts';
import type { Input } from '../../raft/core/inputs.ts';
import type { MemberChange } from '../../raft/core/member-changes.ts';
import { type Member, type Membership, membershipOfVoters } from '../../raft/core/membership.ts';
import { encodeMembership } from '../../raft/core/membership-codec.ts';
import type { AppendRequest, Message } from '../../raft/core/messages.ts';
import type { SnapshotMeta } from '../../raft/core/snapshot.ts';
import type { MachineStatus } from '../../raft/core/status.ts';
import { type EntryId, logIndex, type NodeId, nodeId, term } from '../../raft/core/types.ts';
import { SimulatedNode } from './simulated-node.ts';

export interface Sent {
  readonly to: NodeId;
  readonly message: Message;
}

export interface LoneNodeOptions {
  readonly voters?: readonly string[];
  /** Instead of `voters`. */
  readonly members?: readonly Member[];
  /** What the log on the disk begins behind; by default nothing. */
  readonly behind?: EntryId;
  /** On the disk at the start, behind those of `terms`. */
  readonly memberships?: readonly Membership[];
  /** Terms of the entries on the disk at the start, from index 1 or behind `behind`. */
  readonly terms?: readonly number[];
  /** Default: that of the last entry. */
  readonly term?: number;
  readonly votedFor?: string;
  readonly config?: Partial<RaftConfig>;
  readonly seed?: number;
}

export const config: typeof defaultRaftTimings = defaultRaftTimings;

/** n1 alone on the bench: the test plays every other node by hand. */
export class LoneNode {
  readonly #node: SimulatedNode;
  #sent: Sent[] = [];
  #effects: Effect[] = [];

  constructor(options: LoneNodeOptions = {}) {
    const { voters = ['n1', 'n2', 'n3'], terms = [], seed = 1, votedFor } = options;
    const { behind = null } = options;
    const base = behind?.index ?? 0;
    this.#node = new SimulatedNode({
      disk: {
        hardState: {
          term: term(options.term ?? terms.at(-1) ?? behind?.term ?? 0),
          votedFor: votedFor === undefined ? null : nodeId(votedFor),
        },
        snapshot: behind === null ? null : { last: behind, membership: null },
        entries: [
          ...entriesOf(terms, base + 1),
          ...(options.memberships ?? []).map((membership, place) =>
            membershipEntry(membership, id(terms.at(-1) ?? 1, base + terms.length + 1 + place)),
          ),
        ],
        taken: null,
      },
      config: {
        ...config,
        ...options.config,
        self: nodeId('n1'),
        initialMembers: options.members ?? membershipOfVoters(voters.map(nodeId)).incoming,
      },
      random: new SeededRandom(seed),
      onEffect: (_, effect) => this.#effects.push(effect),
      onSend: (_, to, message) => this.#sent.push({ to, message }),
    });
  }

  /** The snapshot it fetches, until the fetch ends. */
  get fetched(): SnapshotMeta | null {
    return this.#node.fetch?.meta ?? null;
  }

  endFetch(isWhole: boolean): void {
    this.#node.endFetch(isWhole);
  }

  /** A snapshot of what is applied, for others to fetch. */
  takeSnapshot(): void {
    this.#node.takeSnapshot();
  }

  get status(): MachineStatus {
    return this.#node.status;
  }

  /** The terms of the entries in the log. */
  get terms(): readonly number[] {
    return this.#node.entries.map((entry) => entry.term);
  }

  /** What left since the last look. */
  takeSent(): readonly Sent[] {
    const sent = this.#sent;
    this.#sent = [];
    return sent;
  }

  /** The messages of one kind that left since the last look. */
  takeSentOf<Kind extends Message['kind']>(kind: Kind): Extract<Message, { kind: Kind }>[] {
    return this.takeSent()
      .map(({ message }) => message)
      .filter((message): message is Extract<Message, { kind: Kind }> => message.kind === kind);
  }

  takeEffectsOf<Kind extends Effect['kind']>(kind: Kind): Extract<Effect, { kind: Kind }>[] {
    const effects = this.#effects;
    this.#effects = [];
    return effects.filter(
      (effect): effect is Extract<Effect, { kind: Kind }> => effect.kind === kind,
    );
  }

  step(input: Input): void {
    this.#node.step(input);
  }

  tick(count: number = 1): void {
    for (let done = 0; done < count; done += 1) this.#node.step({ kind: 'tick' });
  }

  persist(): void {
    this.#node.persist();
  }

  restart(): void {
    this.#node.crash();
    this.#node.restart();
  }

  receive(from: string, message: Message): void {
    this.#node.step({ kind: 'message', from: nodeId(from), message });
  }

  /** An append of a leader, with the fields that matter to the test. */
  receiveAppend(
    from: string,
    fields: Partial<Omit<AppendRequest, 'term'>> & { readonly term: number },
  ): void {
    this.receive(from, {
      kind: 'append-request',
      previous: id(0, 0),
      entries: [],
      commitIndex: logIndex(0),
      readRound: 0,
      ...fields,
      term: term(fields.term),
    });
  }

  acknowledge(from: string, matchIndex: number, readRound: number = 0): void {
    this.receive(from, {
      kind: 'append-response',
      term: this.status.term,
      readRound,
      appliedIndex: logIndex(0),
      result: { kind: 'matched', matchIndex: logIndex(matchIndex) },
    });
  }

  propose(...texts: string[]): void {
    this.step({ kind: 'propose', payloads: texts.map(utf8) });
  }

  change(changeId: number, ...changes: readonly MemberChange[]): void {
    this.step({ kind: 'change-membership', changeId, changes });
  }

  /** Silence until it asks around. */
  campaign(): void {
    for (let ticks = 0; this.status.role === 'follower'; ticks += 1) {
      assert(ticks <= 2 * config.electionTicksMax, 'a silent follower campaigns');
      this.tick();
    }
  }

  grantPreVote(from: string): void {
    const asked = term(this.status.term + 1);
    this.receive(from, { kind: 'pre-vote-response', term: asked, granted: true });
  }

  grantVote(from: string): void {
    this.receive(from, { kind: 'vote-response', term: this.status.term, granted: true });
  }

  /** Wins with the votes of `voters`, who must be a majority with n1. Its no-op is not yet acknowledged. */
  lead(voters: readonly string[] = ['n2']): void {
    this.campaign();
    for (const voter of voters) this.grantPreVote(voter);
    this.persist();
    for (const voter of voters) this.grantVote(voter);
    assert(this.status.role === 'leader', 'a majority makes a leader');
  }

  /** Leads, and its no-op is committed. */
  leadReady(voters: readonly string[] = ['n2']): void {
    this.lead(voters);
    this.persist();
    for (const voter of voters) this.acknowledge(voter, this.status.lastIndex);
    this.takeSent();
    this.takeEffectsOf('persist');
  }
}

export function id(entryTerm: number, index: number): EntryId {
  return { term: term(entryTerm), index: logIndex(index) };
}

export function membershipEntry(membership: Membership, at: EntryId): Entry {
  return { ...at, kind: EntryKind.membership, payload: encodeMembership(membership) };
}

/** One entry per term given, from `firstIndex` on. */
export function entriesOf(terms: readonly number[], firstIndex: number = 1): Entry[] {
  return terms.map((entryTerm, place) => ({
    term: term(entryTerm),
    index: logIndex(firstIndex + place),
    kind: EntryKind.data,
    payload: utf8(`${entryTerm}/${firstIndex + place}`),
  }));
}
