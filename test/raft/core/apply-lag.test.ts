import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SeededRandom } from '../../../base/random.ts';
import { defaultRaftTimings, type RaftConfig } from '../../../raft/core/config.ts';
import { lagDenialsMax } from '../../../raft/core/limits.ts';
import { membershipOfVoters } from '../../../raft/core/membership.ts';
import type { Message } from '../../../raft/core/messages.ts';
import { logIndex, type NodeId, nodeId, term } from '../../../raft/core/types.ts';
import { config, entriesOf, id, LoneNode } from '../lone-node.ts';
import { SimulatedNode } from '../simulated-node.ts';

const lagMax = 10;
const longLog = Array.from({ length: 100 }, () => 1);

function node(applied: number | null, options: { readonly voters?: readonly string[] } = {}) {
  const made = new LoneNode({ terms: longLog, config: { applyLagMax: lagMax }, ...options });
  if (applied !== null) made.step({ kind: 'applied', index: logIndex(applied) });
  return made;
}

function ticksToCampaign(of: LoneNode): number {
  let ticks = 0;
  for (; of.status.role === 'follower' && ticks < 1000; ticks += 1) of.tick();
  return ticks;
}

function askPreVote(of: LoneNode, applied: number, last = id(1, 100)): boolean | null {
  of.receive('n2', {
    kind: 'pre-vote-request',
    term: term(2),
    last,
    appliedIndex: logIndex(applied),
  });
  return of.takeSentOf('pre-vote-response')[0]?.granted ?? null;
}

const spread = config.electionTicksMax - config.electionTicksMin;

test('a node that lags waits longer in proportion, and never more than twice the spread of timeouts', () => {
  const soon = ticksToCampaign(node(100));

  expect(ticksToCampaign(node(100 - lagMax))).toBe(soon);
  expect(ticksToCampaign(node(100 - 2 * lagMax))).toBe(soon + spread);
  expect(ticksToCampaign(node(5))).toBe(soon + 2 * spread);
});

test('a node whose MySQL was not heard from has no known lag, and one alone waits for nobody', () => {
  const alone = node(0, { voters: ['n1'] });

  expect(ticksToCampaign(node(null))).toBe(ticksToCampaign(node(100)));
  expect(ticksToCampaign(alone)).toBe(1);
});

test('a node whose MySQL does not run lets every other go first, until it runs; one alone waits for nobody (C10)', () => {
  const down = node(100);
  down.step({ kind: 'set-server-up', isServerUp: false });
  const again = node(100);
  again.step({ kind: 'set-server-up', isServerUp: false });
  again.step({ kind: 'set-server-up', isServerUp: true });
  const alone = node(100, { voters: ['n1'] });
  alone.step({ kind: 'set-server-up', isServerUp: false });
  const soon = ticksToCampaign(node(100));

  expect(ticksToCampaign(down)).toBe(soon + 2 * spread);
  expect(ticksToCampaign(again)).toBe(soon);
  expect(ticksToCampaign(alone)).toBe(1);
});

test('a node that catches up while it waits campaigns as soon as any', () => {
  const lagging = node(0);
  lagging.tick(config.electionTicksMax - 1);
  expect(lagging.status.role).toBe('follower');

  lagging.step({ kind: 'applied', index: logIndex(100) });
  lagging.tick();

  expect(lagging.status.role).toBe('pre-candidate');
});

test('a better applied node denies the pre-vote of a lagging one, and asks in its turn at once', () => {
  const better = node(100);
  better.tick(config.electionTicksMin);

  expect(askPreVote(better, 100 - lagMax - 1)).toBe(false);

  expect(better.status).toMatchObject({ role: 'pre-candidate', term: 1 });
});

test('a node that is ahead by no more than the bound grants', () => {
  const ahead = node(100);
  ahead.tick(config.electionTicksMin);

  expect(askPreVote(ahead, 100 - lagMax)).toBe(true);
  expect(ahead.status.role).toBe('follower');
});

test('a longer log is granted whatever its lag: the better applied node could not win against it', () => {
  const better = node(100);
  better.tick(config.electionTicksMin);

  expect(askPreVote(better, 0, id(1, 101))).toBe(true);
});

test('who cannot lead denies nobody', () => {
  const quarantined = node(100);
  quarantined.step({ kind: 'set-electable', isElectable: false });
  quarantined.tick(config.electionTicksMin);
  const unknown = node(null);
  unknown.tick(config.electionTicksMin);
  const down = node(100);
  down.step({ kind: 'set-server-up', isServerUp: false });
  down.tick(config.electionTicksMin);

  expect(askPreVote(down, 0)).toBe(true);
  expect(askPreVote(quarantined, 0)).toBe(true);
  expect(askPreVote(unknown, 0)).toBe(true);
});

test('denials end after a few, and count anew once a leader was heard', () => {
  const better = node(100);
  better.tick(config.electionTicksMin);
  const answers = Array.from({ length: lagDenialsMax + 1 }, () => askPreVote(better, 0));
  expect(answers).toEqual([...Array(lagDenialsMax).fill(false), true]);

  better.receiveAppend('n3', { term: 2, previous: id(1, 100) });
  better.persist();
  better.tick(config.electionTicksMin);
  better.receive('n2', {
    kind: 'pre-vote-request',
    term: term(3),
    last: id(1, 100),
    appliedIndex: logIndex(0),
  });

  expect(better.takeSentOf('pre-vote-response').at(-1)).toMatchObject({ granted: false });
});

test('a real vote is never denied for a lag: only the log decides who may lead (§3.6.1)', () => {
  const better = node(100);
  better.tick(config.electionTicksMin);

  better.receive('n2', {
    kind: 'vote-request',
    term: term(2),
    last: id(1, 100),
    isTransfer: false,
  });
  better.persist();

  expect(better.takeSentOf('vote-response')).toMatchObject([{ granted: true }]);
});

/** n1 leads with all of the log applied up to `own`, and hears how far the others are. */
function leaderThatHears(own: number, others: { readonly n2: number; readonly n3: number }) {
  const leader = node(null);
  leader.lead();
  leader.persist();
  leader.step({ kind: 'applied', index: logIndex(own) });
  for (const [from, applied] of Object.entries(others)) {
    leader.receive(from, {
      kind: 'append-response',
      term: leader.status.term,
      readRound: 0,
      appliedIndex: logIndex(applied),
      result: { kind: 'matched', matchIndex: leader.status.lastIndex },
    });
  }
  leader.takeSent();
  return leader;
}

test('a leader that lags hands on to the best applied voter, as soon as its term is committed', () => {
  const leader = leaderThatHears(20, { n2: 60, n3: 101 });

  leader.tick();

  const sent = leader.takeSent().filter(({ message }) => message.kind === 'timeout-now');
  expect(sent).toMatchObject([{ to: 'n3' }]);
  expect(leader.status.isTransferring).toBe(true);
});

test('a leader that lags no more than the others keeps the lead', () => {
  const leader = leaderThatHears(20, { n2: 20 + lagMax, n3: 0 });

  leader.tick(3);

  expect(leader.takeSentOf('timeout-now')).toEqual([]);
});

test('leadership does not go in circles when a database reports less than its log begins behind', () => {
  const leader = new LoneNode({ behind: id(1, 60), terms: [1], config: { applyLagMax: lagMax } });
  leader.lead();
  leader.persist();
  leader.propose(...Array.from({ length: 30 }, (_, place) => `p${place}`));
  leader.persist();
  leader.step({ kind: 'applied', index: logIndex(5) });
  for (const peer of ['n2', 'n3']) {
    leader.receive(peer, {
      kind: 'append-response',
      term: leader.status.term,
      readRound: 0,
      appliedIndex: logIndex(60),
      result: { kind: 'matched', matchIndex: leader.status.lastIndex },
    });
  }
  leader.takeSent();

  leader.tick(3);

  expect(leader.takeSentOf('timeout-now')).toEqual([]);
});

/** Both are heard for so long, and tell how far they are. */
function hearFor(leader: LoneNode, ticks: number, applied: { n2: number; n3: number }): void {
  for (let tick = 0; tick < ticks; tick += 1) {
    leader.tick();
    for (const [from, index] of Object.entries(applied)) tellApplied(leader, from, index);
  }
}

function tellApplied(leader: LoneNode, from: string, applied: number): void {
  leader.receive(from, {
    kind: 'append-response',
    term: leader.status.term,
    readRound: leader.status.readRound,
    appliedIndex: logIndex(applied),
    result: { kind: 'matched', matchIndex: leader.status.lastIndex },
  });
}

test('a leader that lags offers the lead to each better applied voter once in its term', () => {
  const applied = { n2: 60, n3: 101 };
  const leader = leaderThatHears(20, applied);

  hearFor(leader, 4 * config.transferTicksMax, applied);

  const offers = leader.takeSent().filter(({ message }) => message.kind === 'timeout-now');
  expect([...new Set(offers.map(({ to }) => to))]).toEqual(['n3', 'n2']);
  expect(leader.status).toMatchObject({ role: 'leader', isTransferring: false });
});

test('a leader with a long way to go hands on to a better applied voter whenever that comes (C10)', () => {
  const leader = leaderThatHears(20, { n2: 20, n3: 20 });
  hearFor(leader, 10 * config.electionTicksMax, { n2: 20, n3: 20 });
  leader.takeSent();
  expect(leader.status.role).toBe('leader');

  hearFor(leader, 2, { n2: 20, n3: 101 });

  const offers = leader.takeSent().filter(({ message }) => message.kind === 'timeout-now');
  expect(offers.map(({ to }) => to)).toContain('n3');
});

test('a leader whose MySQL has applied its first entry may serve, and hands on no more', () => {
  const leader = leaderThatHears(101, { n2: 101, n3: 101 });
  leader.tick();
  leader.propose(...Array.from({ length: 30 }, (_, place) => `p${place}`));
  leader.persist();
  leader.takeSent();

  hearFor(leader, 3, { n2: 101, n3: 131 });

  expect(leader.takeSentOf('timeout-now')).toEqual([]);
});

test('a node whose server was built anew has all to apply again: it is the last to campaign, and its leader knows (C10)', () => {
  const anew = node(100);
  anew.step({ kind: 'applied', index: logIndex(1) });
  const leader = leaderThatHears(20, { n2: 100, n3: 20 });
  tellApplied(leader, 'n2', 1);

  leader.tick(3);

  expect(anew.status.appliedIndex).toBe(node(100).status.appliedIndex);
  expect(ticksToCampaign(anew)).toBe(ticksToCampaign(node(100)) + 2 * spread);
  expect(leader.takeSentOf('timeout-now')).toEqual([]);
});

test('a chosen successor holds what is committed before it is well applied', () => {
  const leader = node(100);
  leader.lead(['n2']);
  leader.persist();
  const hear = (from: string, matchIndex: number, applied: number): void =>
    leader.receive(from, {
      kind: 'append-response',
      term: leader.status.term,
      readRound: 0,
      appliedIndex: logIndex(applied),
      result: { kind: 'matched', matchIndex: logIndex(matchIndex) },
    });
  hear('n3', 90, 90);
  hear('n2', leader.status.lastIndex, 40);
  leader.takeSent();

  leader.step({ kind: 'transfer-leadership', transferId: 1, target: null });

  const sent = leader.takeSent().filter(({ message }) => message.kind === 'timeout-now');
  expect(sent).toMatchObject([{ to: 'n2' }]);
});

/** Nodes with equal logs and databases that are not equally far, on wires and disks that work. */
class Cluster {
  readonly nodes: SimulatedNode[];
  #wire: { readonly from: NodeId; readonly to: NodeId; readonly message: Message }[] = [];

  constructor(applied: readonly number[], seed: number) {
    const ids = applied.map((_, place) => nodeId(`n${place + 1}`));
    const settings: Omit<RaftConfig, 'self'> = {
      ...defaultRaftTimings,
      applyLagMax: lagMax,
      initialMembers: membershipOfVoters(ids).incoming,
    };
    const random = new SeededRandom(seed);
    this.nodes = ids.map((self, place) => {
      const made = new SimulatedNode({
        disk: {
          hardState: { term: term(1), votedFor: null },
          snapshot: null,
          entries: entriesOf(longLog),
          taken: null,
        },
        config: { ...settings, self },
        random,
        onEffect: () => {},
        onSend: ({ id: from }, to, message) => this.#wire.push({ from, to, message }),
      });
      made.step({ kind: 'applied', index: logIndex(applied[place] ?? 0) });
      return made;
    });
  }

  get leader(): SimulatedNode | undefined {
    return this.nodes.find(({ isUp, status }) => isUp && status.leaderReadyIndex !== null);
  }

  /** Ticks until there is a leader at rest, or so many. */
  run(ticksMax: number): number {
    let ticks = 0;
    let restingTicks = 0;
    for (; ticks < ticksMax && restingTicks < 5; ticks += 1) {
      for (const one of this.nodes) one.step({ kind: 'tick' });
      this.#settle();
      const { leader } = this;
      restingTicks = leader !== undefined && !leader.status.isTransferring ? restingTicks + 1 : 0;
    }
    return ticks;
  }

  #settle(): void {
    for (let turn = 0; turn < 30; turn += 1) {
      for (const one of this.nodes) one.persist();
      const batch = this.#wire;
      this.#wire = [];
      if (batch.length === 0) return;
      for (const { from, to, message } of batch) {
        this.nodes.find((one) => one.id === to)?.step({ kind: 'message', from, message });
      }
    }
  }
}

test('with equal logs a leader comes within bounded time, and is about as well applied as the best', () => {
  // Each denial costs a campaign of the lagging node; a patient node waits at most twice the spread longer.
  const ticksMax = (lagDenialsMax + 2) * (config.electionTicksMax + 2 * spread) + 50;
  const applied = fc.array(fc.nat(100), { minLength: 2, maxLength: 5 });
  fc.assert(
    fc.property(applied, fc.integer({ min: 1, max: 1e9 }), (indexes, seed) => {
      const cluster = new Cluster(indexes, seed);

      const ticks = cluster.run(ticksMax);

      expect(ticks).toBeLessThan(ticksMax);
      const leaderId = cluster.leader?.id;
      const place = cluster.nodes.findIndex((one) => one.id === leaderId);
      expect((indexes[place] ?? 0) + lagMax).toBeGreaterThanOrEqual(Math.max(...indexes));
    }),
    { numRuns: 150 },
  );
});
