import { checkers } from './checkers/all.ts';
import type { NodeView } from './checkers/checker.ts';
import type { SourceEdit } from './core-loader.ts';
import { createAckGateAutomaton, createRoleAutomaton, roleFieldsOf } from './cores.ts';
import { Interner } from './interner.ts';
import { Memo } from './memo.ts';
import { type Cost, type NodeAction, nodeActions } from './node-actions.ts';
import { blankNode, keyOfNode, type NodeState, renameNode } from './node-state.ts';
import { type Model, NodeStep } from './node-step.ts';
import type { Plant } from './plants.ts';
import * as raft from './raft-model.ts';
import {
  afterAnswers,
  afterCommits,
  clientState,
  keyOfShared,
  nameOfClientState,
  renameShared,
  type Shared,
  spend,
} from './shared-state.ts';
import { nodeName } from './text.ts';

/** A state of the world: one number per node, and one for what they share. */
export type WorldState = readonly number[];

export interface Violation {
  readonly property: string;
  readonly reason: string;
}

export interface Step {
  readonly label: string;
  readonly next: WorldState;
  readonly violation: Violation | null;
  /** Neither a fault nor a client's doing. */
  readonly isFree: boolean;
}

export interface WorldOptions {
  readonly nodes: number;
  readonly transactions: number;
  readonly termMax: number;
  readonly budget: Readonly<Record<Cost, number>>;
  readonly roleEdits?: readonly SourceEdit[];
  readonly ackGateEdits?: readonly SourceEdit[];
  readonly plants?: readonly Plant[];
}

interface LinkedAction {
  readonly action: NodeAction;
  readonly next: number;
}

/** What a node does with a step of another one: it answers a candidate, or takes what a leader sends. */
interface PairOutcome {
  readonly voter: number;
  readonly candidate: number;
  readonly action: NodeAction;
}

/** All states and steps of one cluster; the same node state is never computed twice. */
export class World {
  readonly model: Model;
  readonly #options: WorldOptions;
  readonly #positions: readonly number[];
  readonly #nodes = new Interner<NodeState>(keyOfNode);
  readonly #shared = new Interner<Shared>(keyOfShared);
  readonly #permutations: readonly (readonly number[])[];
  readonly #nodeNames: number[][] = [];
  readonly #sharedNames: number[][] = [];
  readonly #actions: (readonly LinkedAction[])[] = [];
  readonly #pairs = new Memo<string, PairOutcome>();
  readonly #nodeChecks = new Memo<number, Violation | null>();

  constructor(options: WorldOptions) {
    this.#options = options;
    this.model = {
      nodes: options.nodes,
      role: createRoleAutomaton(options.roleEdits),
      ackGate: createAckGateAutomaton(options.ackGateEdits),
      plants: new Set(options.plants),
    };
    this.#positions = Array.from({ length: options.nodes }, (_, position) => position);
    this.#permutations = permutationsOf(options.nodes);
  }

  /** Every node is down, with an empty log and an empty server. */
  get blank(): WorldState {
    const shared: Shared = {
      ledger: [],
      clients: Array.from({ length: this.#options.transactions }, () => clientState.unsent),
      budget: this.#options.budget,
    };
    const node = this.#nodes.idOf({ ...blankNode });
    return [...this.#positions.map(() => node), this.#shared.idOf(shared)];
  }

  get nodeStates(): number {
    return this.#nodes.size;
  }

  get roleStates(): number {
    return this.model.role.size;
  }

  /** What happened at all: the roles that a node had, and what clients heard. A world in which little happens proves little. */
  get seen(): ReadonlySet<string> {
    const { role } = this.model;
    const roles = Array.from({ length: role.size }, (_, id) => roleFieldsOf(role, id).state.kind);
    const answers = this.#shared.values.flatMap(({ clients }) => clients.map(nameOfClientState));
    return new Set([...roles, ...answers]);
  }

  nodeAt(state: WorldState, position: number): Readonly<NodeState> {
    return this.#nodes.at(state[position] ?? -1);
  }

  sharedAt(state: WorldState): Shared {
    return this.#shared.at(state.at(-1) ?? -1);
  }

  viewAt(state: WorldState, position: number): NodeView {
    return this.#viewOf(this.nodeAt(state, position));
  }

  /** The least of all states that differ by the names of nodes alone: nothing in the protocol depends on a name. */
  canonical(state: WorldState): WorldState {
    let least: WorldState = state;
    this.#permutations.forEach((to, permutation) => {
      if (permutation === 0) return;
      const renamed = this.#renamed(state, to, permutation);
      if (isLess(renamed, least)) least = renamed;
    });
    return least;
  }

  /** Every state that one step leads to. */
  steps(state: WorldState): readonly Step[] {
    const steps: Step[] = [];
    for (const position of this.#positions) {
      for (const { action, next } of this.#actionsOf(state[position] ?? -1, position)) {
        const step = this.#apply(state, action, [[position, next]]);
        if (step !== null) steps.push({ ...step, label: `${nodeName(position)}: ${action.label}` });
      }
      for (const peer of this.#positions) {
        if (peer === position) continue;
        this.#listElection(state, position, peer, steps);
        this.#listAppend(state, position, peer, steps);
      }
    }
    return steps;
  }

  #actionsOf(id: number, self: number): readonly LinkedAction[] {
    const slot = id * this.#options.nodes + self;
    const known = this.#actions[slot];
    if (known !== undefined) return known;
    const { transactions } = this.#options;
    const node = this.#nodes.at(id);
    const actions = nodeActions({ model: this.model, node, self, transactions }).map((action) => ({
      action,
      next: this.#nodes.idOf(action.next),
    }));
    this.#actions[slot] = actions;
    return actions;
  }

  #listElection(state: WorldState, self: number, position: number, into: Step[]): void {
    const candidate = this.nodeAt(state, self);
    const voter = this.nodeAt(state, position);
    if (!candidate.isUp || !voter.isUp) return;
    if (candidate.isLeader || !candidate.isElectable) return;
    const term = Math.max(candidate.term, voter.term) + 1;
    if (term > this.#options.termMax || !raft.isUpToDate(candidate, voter)) return;
    const outcome = this.#pair(
      'elect',
      [state[self] ?? -1, self, state[position] ?? -1, position],
      () => {
        const voting = new NodeStep(this.model, voter, position);
        raft.adoptTerm(voting.node, term);
        voting.tellRaft();
        const winning = new NodeStep(this.model, candidate, self);
        raft.adoptTerm(winning.node, term);
        winning.tellRaft();
        raft.lead(winning.node, { self, nodes: this.#options.nodes });
        winning.tellRaft();
        return { voting, winning };
      },
    );
    const step = this.#apply(state, outcome.action, [
      [self, outcome.candidate],
      [position, outcome.voter],
    ]);
    const label = `${nodeName(self)}: is elected in term ${term} by ${nodeName(position)}`;
    if (step !== null) into.push({ ...step, label });
  }

  #listAppend(state: WorldState, self: number, peer: number, into: Step[]): void {
    const leader = this.nodeAt(state, self);
    const follower = this.nodeAt(state, peer);
    if (!leader.isUp || !leader.isLeader || !follower.isUp) return;
    if (!raft.canFollow(follower, leader)) return;
    const outcome = this.#pair('append', [state[self] ?? -1, self, state[peer] ?? -1, peer], () => {
      const following = new NodeStep(this.model, follower, peer);
      raft.followLeader(following.node, leader);
      following.tellRaft();
      const leading = new NodeStep(this.model, leader, self);
      raft.confirm(leading.node, peer);
      return { voting: following, winning: leading };
    });
    if (outcome.candidate === state[self] && outcome.voter === state[peer]) return;
    const step = this.#apply(state, outcome.action, [
      [self, outcome.candidate],
      [peer, outcome.voter],
    ]);
    const label = `${nodeName(peer)}: takes everything that leader ${nodeName(self)} has`;
    if (step !== null) into.push({ ...step, label });
  }

  #pair(
    kind: 'elect' | 'append',
    ids: readonly number[],
    run: () => { voting: NodeStep; winning: NodeStep },
  ): PairOutcome {
    const key = `${kind} ${ids.join(' ')}`;
    return this.#pairs.of(key, () => {
      const { voting, winning } = run();
      return {
        voter: this.#nodes.idOf(voting.node),
        candidate: this.#nodes.idOf(winning.node),
        action: {
          label: kind,
          next: winning.node,
          events: [...voting.events, ...winning.events],
          cost: null,
          sends: 0,
        },
      };
    });
  }

  #apply(
    state: WorldState,
    action: NodeAction,
    changes: readonly (readonly [number, number])[],
  ): Omit<Step, 'label'> | null {
    const next = [...state];
    for (const [position, id] of changes) next[position] = id;
    const { cost, sends, events } = action;
    if (cost === null && sends === 0 && events.length === 0) {
      return { next, violation: this.#checkNodes(next), isFree: true };
    }
    const shared = this.sharedAt(state);
    const spent = spend(shared, action);
    if (spent === null) return null;
    const committed = afterCommits(spent, action);
    next[next.length - 1] = this.#shared.idOf(afterAnswers(committed, action));
    const violation = this.#checkEvents(action, shared, committed) ?? this.#checkNodes(next);
    return { next, violation, isFree: cost === null && sends === 0 };
  }

  #checkEvents(action: NodeAction, before: Shared, after: Shared): Violation | null {
    for (const event of action.events) {
      const shared = event.kind === 'committed' ? before : after;
      for (const { property, onEvent } of checkers) {
        const reason = onEvent?.(event, shared) ?? null;
        if (reason !== null) return { property, reason };
      }
    }
    return null;
  }

  #checkNodes(state: WorldState): Violation | null {
    const sharedId = state.at(-1) ?? -1;
    for (const position of this.#positions) {
      const id = state[position] ?? -1;
      const key = id * 0x100_0000 + sharedId;
      const violation = this.#nodeChecks.of(key, () => this.#checkNode(id, sharedId));
      if (violation !== null) {
        return { ...violation, reason: `node ${nodeName(position)}: ${violation.reason}` };
      }
    }
    return null;
  }

  #checkNode(id: number, sharedId: number): Violation | null {
    const view = this.#viewOf(this.#nodes.at(id));
    for (const { property, onNode } of checkers) {
      const reason = onNode?.(view, this.#shared.at(sharedId)) ?? null;
      if (reason !== null) return { property, reason };
    }
    return null;
  }

  #viewOf(node: NodeState): NodeView {
    const { state, errant, lastWritableTerm } = roleFieldsOf(this.model.role, node.role);
    return { node, role: state, isErrantKnown: node.isUp && errant !== null, lastWritableTerm };
  }

  #renamed(state: WorldState, to: readonly number[], permutation: number): WorldState {
    const renamed: number[] = [...state];
    for (const position of this.#positions) {
      const id = state[position] ?? -1;
      this.#nodeNames[permutation] ??= [];
      const names = this.#nodeNames[permutation];
      let name = names[id];
      if (name === undefined) {
        name = this.#nodes.idOf(renameNode(this.#nodes.at(id), to));
        names[id] = name;
      }
      renamed[to[position] ?? 0] = name;
    }
    const sharedId = state.at(-1) ?? -1;
    this.#sharedNames[permutation] ??= [];
    const names = this.#sharedNames[permutation];
    names[sharedId] ??= this.#shared.idOf(renameShared(this.#shared.at(sharedId), to));
    renamed[renamed.length - 1] = names[sharedId];
    return renamed;
  }
}

function isLess(left: WorldState, right: WorldState): boolean {
  for (let place = 0; place < left.length; place += 1) {
    const difference = (left[place] ?? 0) - (right[place] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

/** The identity first. */
function permutationsOf(size: number): readonly (readonly number[])[] {
  if (size === 0) return [[]];
  const shorter = permutationsOf(size - 1);
  const all = shorter.flatMap((rest) =>
    Array.from({ length: size }, (_, place) => rest.toSpliced(place, 0, size - 1)),
  );
  const identity = Array.from({ length: size }, (_, position) => position);
  const others = all.filter((each) => each.some((value, place) => value !== place));
  return [identity, ...others];
}
