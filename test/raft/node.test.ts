import { expect, test } from 'vitest';
import { silentLogger } from '../../base/logger.ts';
import { defaultRaftTimings } from '../../raft/core/config.ts';
import type { Effect, MembershipChangeEnd } from '../../raft/core/effects.ts';
import type { Input } from '../../raft/core/inputs.ts';
import { membershipOfVoters, voterMember } from '../../raft/core/membership.ts';
import type { MachineStatus } from '../../raft/core/status.ts';
import { logIndex, term } from '../../raft/core/types.ts';
import { RaftNode, type RaftNodeOptions } from '../../raft/node.ts';
import { FakeClock } from '../support/fake-clock.ts';
import {
  entries,
  followerStatus,
  leaderStatus,
  ManualStore,
  n1,
  n2,
  n3,
  RecordingTransport,
  ScriptedMachine,
  settled,
} from './shell-fakes.ts';

// The node around a machine that does what each test says: what it does with effects, callers, time and failures.

interface Bench {
  readonly node: RaftNode;
  readonly machine: ScriptedMachine;
  readonly store: ManualStore;
  readonly transport: RecordingTransport;
  readonly clock: FakeClock;
  readonly fatal: unknown[];
}

async function open(
  status: MachineStatus = leaderStatus,
  options: Pick<RaftNodeOptions, 'isLeaseOn' | 'snapshots'> = {},
): Promise<Bench> {
  const machine = new ScriptedMachine(status);
  const store = new ManualStore();
  const transport = new RecordingTransport();
  const clock = new FakeClock();
  const fatal: unknown[] = [];
  const node = new RaftNode({
    config: {
      ...defaultRaftTimings,
      self: n1,
      initialMembers: membershipOfVoters([n1, n2, n3]).incoming,
    },
    machine,
    store,
    transport,
    clock,
    logger: silentLogger,
    onFatal: (error) => fatal.push(error),
    afterPendingIo: (callback) => callback(),
    ...options,
  });
  await node.open();
  await settled();
  return { node, machine, store, transport, clock, fatal };
}

function kindsOf(inputs: readonly Input[]): readonly string[] {
  return inputs.map((input) => input.kind);
}

const accepted: Effect = {
  kind: 'proposal-accepted',
  term: term(1),
  firstIndex: logIndex(2),
  count: 1,
};

test('a proposal is answered at once, after everything that arrived before it', async () => {
  const { node, machine, transport } = await open();
  machine.onStep = ({ kind }) => (kind === 'propose' ? [accepted] : []);

  transport.events?.onMessage(n2, { kind: 'timeout-now', term: term(1) });
  const receipt = node.propose([new Uint8Array(1)]);

  expect(receipt).toEqual({ term: 1, firstIndex: 2, count: 1 });
  expect(kindsOf(machine.inputs)).toEqual(['message', 'propose']);
});

test('a refused proposal says why and who leads', async () => {
  const { node, machine } = await open();
  const refuse = (reason: 'not-leader' | 'transferring' | 'too-many-in-flight'): void => {
    machine.onStep = () => [{ kind: 'proposal-rejected', reason, leaderId: n2 }];
  };

  refuse('not-leader');
  expect(() => node.propose([])).toThrow(
    expect.objectContaining({ code: 'RAFT_NOT_LEADER', leaderId: n2 }),
  );
  refuse('transferring');
  expect(() => node.propose([])).toThrow(expect.objectContaining({ code: 'RAFT_TRANSFERRING' }));
  refuse('too-many-in-flight');
  expect(() => node.propose([])).toThrow(
    expect.objectContaining({ code: 'RAFT_TOO_MANY_IN_FLIGHT' }),
  );
});

test('the transport is told of the members at the start, and when they change', async () => {
  const { node, machine, transport } = await open();
  const membership = {
    incoming: [voterMember(n1), voterMember(n3, { host: 'h', port: 7304 })],
    outgoing: [voterMember(n1), voterMember(n2)],
  };
  machine.onStep = () => [{ kind: 'membership-changed', index: logIndex(4), membership }];

  node.setApplied(logIndex(0));
  await settled();

  expect(transport.members).toEqual([
    [[voterMember(n2), voterMember(n3)], 0],
    [[voterMember(n3, { host: 'h', port: 7304 }), voterMember(n2)], 4],
  ]);
});

test('a change of members settles as the machine says it ended', async () => {
  const { node, machine } = await open();
  const ends: MembershipChangeEnd[] = [
    { kind: 'committed', index: logIndex(9) },
    { kind: 'rejected', reason: 'not-leader', detail: 'it does not', leaderId: n2 },
    { kind: 'rejected', reason: 'transferring', detail: 'it is', leaderId: n1 },
    { kind: 'rejected', reason: 'change-in-progress', detail: 'one is', leaderId: n1 },
    { kind: 'unsettled', leaderId: n3 },
  ];
  machine.onStep = (input) => {
    const end = input.kind === 'change-membership' ? ends[input.changeId - 1] : undefined;
    if (input.kind !== 'change-membership' || end === undefined) return [];
    return [{ kind: 'membership-change-ended', changeId: input.changeId, end }];
  };
  const change = (): Promise<unknown> => node.changeMembership([{ kind: 'remove', id: n2 }]);

  await expect(change()).resolves.toBe(9);
  await expect(change()).rejects.toMatchObject({ code: 'RAFT_NOT_LEADER', leaderId: n2 });
  await expect(change()).rejects.toMatchObject({ code: 'RAFT_TRANSFERRING' });
  await expect(change()).rejects.toMatchObject({
    code: 'RAFT_MEMBERSHIP_REFUSED',
    reason: 'change-in-progress',
    retryable: true,
  });
  await expect(change()).rejects.toMatchObject({ code: 'RAFT_MEMBERSHIP_UNSETTLED', leaderId: n3 });
  const unanswered = change();
  await node.close();
  await expect(unanswered).rejects.toMatchObject({ code: 'RAFT_SHUTTING_DOWN' });
});

test('proposals of one go share a disk write', async () => {
  const { node, machine, store } = await open();
  let ioId = 0;
  machine.onStep = ({ kind }) => {
    if (kind !== 'propose') return [];
    ioId += 1;
    const persist: Effect = {
      kind: 'persist',
      ioId,
      hardState: null,
      truncateFrom: null,
      snapshot: null,
      entries: entries(ioId, ioId),
    };
    return [persist, accepted];
  };

  node.propose([new Uint8Array(1)]);
  node.propose([new Uint8Array(1)]);
  await settled();

  expect(store.writes.map(({ batch }) => batch.entries)).toEqual([entries(1, 2)]);
});

test('listeners hear of a change once per turn, and may propose from there', async () => {
  const { node, machine, transport } = await open();
  const heard: number[] = [];
  machine.onStep = (input) => {
    if (input.kind === 'propose') return [accepted];
    machine.become({ commitIndex: logIndex(machine.status.commitIndex + 1) });
    return [];
  };
  node.onChange((status) => {
    heard.push(status.commitIndex);
    if (heard.length === 1) node.propose([new Uint8Array(1)]);
  });

  transport.events?.onMessage(n2, { kind: 'timeout-now', term: term(1) });
  transport.events?.onMessage(n2, { kind: 'timeout-now', term: term(1) });
  await settled();

  expect(heard).toEqual([3]);
  expect(kindsOf(machine.inputs)).toEqual(['message', 'message', 'propose']);
});

test('a listener that throws ends the node', async () => {
  const { node, transport, machine, fatal } = await open();
  machine.onStep = () => {
    machine.become({ commitIndex: logIndex(9) });
    return [];
  };
  node.onChange(() => {
    throw new Error('listener');
  });

  transport.events?.onMessage(n2, { kind: 'timeout-now', term: term(1) });
  await settled();

  expect(fatal).toEqual([new Error('listener')]);
  expect(() => node.propose([])).toThrow(expect.objectContaining({ code: 'RAFT_SHUTTING_DOWN' }));
});

test('a machine that breaks its invariants ends the node', async () => {
  const { node, machine, fatal } = await open();
  machine.onStep = () => {
    throw new Error('invariant');
  };

  expect(() => node.propose([])).toThrow('invariant');

  expect(fatal).toHaveLength(1);
});

test('reads of one go share a round; one that comes later does not join it', async () => {
  const { node, machine } = await open();
  machine.onStep = (input) =>
    input.kind === 'read-index' && input.readId === 2
      ? [
          { kind: 'read-ready', readId: 1, index: logIndex(4) },
          { kind: 'read-ready', readId: 2, index: logIndex(5) },
        ]
      : [];

  const together = [node.readIndex(), node.readIndex()];
  await settled();
  const later = node.readIndex();

  expect(await Promise.all(together)).toEqual([4, 4]);
  expect(await later).toBe(5);
  expect(kindsOf(machine.inputs)).toEqual(['read-index', 'read-index']);
});

test('a read on a node that does not lead is rejected with the leader', async () => {
  const { node, machine } = await open(followerStatus);
  machine.onStep = (input) =>
    input.kind === 'read-index'
      ? [{ kind: 'read-rejected', readId: input.readId, leaderId: n2 }]
      : [];

  await expect(node.readIndex()).rejects.toMatchObject({ code: 'RAFT_NOT_LEADER', leaderId: n2 });
});

test('a lease needs the option, a confirmed round, and a term without an offered hand-over', async () => {
  const heartbeat = {
    kind: 'append-request',
    term: term(1),
    previous: { term: term(1), index: logIndex(1) },
    entries: [],
    commitIndex: logIndex(1),
    readRound: 1,
  } as const;
  const { node, machine, clock } = await open(leaderStatus, { isLeaseOn: true });
  machine.onStep = ({ kind }) =>
    kind === 'read-index' ? [{ kind: 'send', to: n2, message: heartbeat, after: null }] : [];
  const startedMs = clock.monotonicMs();
  node.readIndex().catch(() => undefined);
  await settled();
  expect(node.leaseUntilMs()).toBe(0);

  machine.onStep = () => {
    machine.become({ quorumRound: 1 });
    return [];
  };
  clock.advance(30);
  await settled();
  expect(node.leaseUntilMs()).toBeCloseTo(startedMs + 405);

  machine.become({ isTransferring: true });
  expect(node.leaseUntilMs()).toBe(0);
  machine.become({ isTransferring: false, isLeaseSafe: false });
  expect(node.leaseUntilMs()).toBe(0);
  await node.close();
});

type TransferEnd = Extract<Effect, { readonly kind: 'transfer-ended' }>;

function transferEnd(
  transferId: number | null,
  outcome: TransferEnd['outcome'],
  reason: string,
): TransferEnd {
  return { kind: 'transfer-ended', transferId, outcome, reason };
}

test('a transfer settles as the machine ends it', async () => {
  const { node, machine } = await open();
  const end = (outcome: 'handed-over' | 'aborted'): void => {
    machine.onStep = (input) =>
      input.kind === 'transfer-leadership'
        ? [transferEnd(input.transferId, outcome, 'too slow')]
        : [];
  };

  end('handed-over');
  await node.transferLeadership(n2);
  end('aborted');
  await expect(node.transferLeadership(n2)).rejects.toMatchObject({
    code: 'RAFT_TRANSFER_ABORTED',
    message: expect.stringContaining('too slow'),
  });
});

test('a second transfer is refused while one runs, and a node that does not lead has nothing to hand over', async () => {
  const { node, machine } = await open();
  const first = node.transferLeadership(n2);
  first.catch(() => undefined);

  await expect(node.transferLeadership(n3)).rejects.toMatchObject({ code: 'RAFT_TRANSFERRING' });
  machine.become({ role: 'follower' });
  await node.close();

  await expect(first).rejects.toMatchObject({ code: 'RAFT_SHUTTING_DOWN' });
  const follower = await open(followerStatus);
  await expect(follower.node.transferLeadership(n2)).rejects.toMatchObject({
    code: 'RAFT_NOT_LEADER',
  });
});

test('the end of a transfer that the machine began by itself is not the answer to one that was asked for', async () => {
  const { node, machine, transport } = await open();
  machine.onStep = ({ kind }) =>
    kind === 'message' ? [transferEnd(null, 'aborted', 'the machine gave up')] : [];
  const outcomes: string[] = [];

  transport.events?.onMessage(n2, { kind: 'timeout-now', term: term(1) });
  node.transferLeadership(n2).then(
    () => outcomes.push('handed over'),
    (error: unknown) => outcomes.push(String(error)),
  );
  await settled();
  expect(outcomes).toEqual([]);
  machine.onStep = ({ kind }) => (kind === 'message' ? [transferEnd(1, 'handed-over', '')] : []);
  transport.events?.onMessage(n2, { kind: 'timeout-now', term: term(1) });
  await settled();

  expect(outcomes).toEqual(['handed over']);
  await node.close();
});

test('no transfer is asked for while the machine has one under way', async () => {
  const { node, machine } = await open({ ...leaderStatus, isTransferring: true });

  await expect(node.transferLeadership(n3)).rejects.toMatchObject({ code: 'RAFT_TRANSFERRING' });

  expect(kindsOf(machine.inputs)).not.toContain('transfer-leadership');
  await node.close();
});

test('abdication waits for a transfer that the machine began by itself, and falls silent when that ends here', async () => {
  const { node, machine, transport } = await open({ ...leaderStatus, isTransferring: true });

  node.abdicate('test');
  await settled();
  expect(kindsOf(machine.inputs)).not.toContain('transfer-leadership');
  expect(kindsOf(machine.inputs)).not.toContain('step-down');
  machine.become({ isTransferring: false });
  machine.onStep = ({ kind }) =>
    kind === 'message' ? [transferEnd(null, 'aborted', 'too slow')] : [];
  transport.events?.onMessage(n2, { kind: 'timeout-now', term: term(1) });
  await settled();

  expect(kindsOf(machine.inputs)).toContain('step-down');
  await node.close();
});

test('abdication outlives the refusal of what it asked for, where the machine began a transfer just before', async () => {
  const { node, machine, clock } = await open();
  machine.onStep = (input) => {
    if (input.kind !== 'transfer-leadership') return [];
    machine.become({ isTransferring: true });
    return [transferEnd(input.transferId, 'rejected', 'a transfer to n3 is under way')];
  };

  node.abdicate('test');
  await settled();
  expect(kindsOf(machine.inputs)).not.toContain('step-down');
  clock.advance(500);
  await settled();

  expect(kindsOf(machine.inputs)).toContain('step-down');
});

test('abdication asks for the best follower and falls silent when nobody takes over in time', async () => {
  const { node, machine, clock } = await open();

  node.abdicate('test');
  await settled();
  expect(machine.inputs).toEqual([{ kind: 'transfer-leadership', transferId: 1, target: null }]);
  clock.advance(499);
  await settled();
  expect(kindsOf(machine.inputs)).not.toContain('step-down');
  clock.advance(1);
  await settled();

  expect(kindsOf(machine.inputs)).toContain('step-down');
});

test('abdication steps down at once when there is nobody to hand over to', async () => {
  const { node, machine } = await open();
  machine.onStep = (input) =>
    input.kind === 'transfer-leadership'
      ? [transferEnd(input.transferId, 'rejected', 'no follower')]
      : [];

  node.abdicate('test');
  await settled();

  expect(kindsOf(machine.inputs)).toEqual(['transfer-leadership', 'step-down']);
});

test('a leader whose log write hangs gives leadership up (R11)', async () => {
  const { machine, clock, transport } = await open();
  machine.onStep = ({ kind }) =>
    kind === 'message'
      ? [
          {
            kind: 'persist',
            ioId: 1,
            hardState: null,
            truncateFrom: null,
            snapshot: null,
            entries: [],
          },
        ]
      : [];
  transport.events?.onMessage(n2, { kind: 'timeout-now', term: term(1) });
  await settled();

  clock.advance(1975);
  await settled();
  expect(kindsOf(machine.inputs)).not.toContain('transfer-leadership');
  clock.advance(50);
  await settled();

  expect(kindsOf(machine.inputs)).toContain('transfer-leadership');
});

test('a snapshot store that hangs ends the node, which could not tell when its state changes (R11)', async () => {
  const { machine, clock, transport, fatal } = await open(followerStatus, {
    snapshots: {
      store: {
        describe: () => null,
        open: () => {
          throw new Error('nobody reads here');
        },
        install: () => new Promise(() => undefined),
      },
      source: {
        async *fetch() {
          yield await Promise.reject(new Error('nothing is asked for'));
        },
      },
      stallMsMax: 1000,
    },
  });
  const meta = { last: { term: term(1), index: logIndex(9) }, membership: null };
  machine.onStep = ({ kind }) =>
    kind === 'message' ? [{ kind: 'fetch-snapshot', from: n2, meta }] : [];
  transport.events?.onMessage(n2, { kind: 'install-snapshot', term: term(1), meta });
  await settled();

  for (let ms = 0; ms < 950; ms += 25) clock.advance(25);
  await settled();
  expect(fatal).toEqual([]);
  for (let ms = 0; ms < 200; ms += 25) {
    clock.advance(25);
    await settled();
  }

  expect(fatal).toMatchObject([{ code: 'SNAPSHOT_STUCK' }]);
  expect(kindsOf(machine.inputs)).not.toContain('snapshot-failed');
});

test('a node that has no snapshots, and a state, is not to drop entries', async () => {
  const { node, machine } = await open();

  expect(() => node.compact(logIndex(1))).toThrow('a snapshot in their place');
  await settled();

  expect(kindsOf(machine.inputs)).toEqual([]);
  await node.close();
});

test('a failed write ends the node and nothing is sent after it (R17)', async () => {
  const { node, machine, store, transport, fatal } = await open();
  const answer = { kind: 'vote-response', term: term(1), granted: true } as const;
  machine.onStep = ({ kind }) =>
    kind === 'message'
      ? [
          {
            kind: 'persist',
            ioId: 1,
            hardState: null,
            truncateFrom: null,
            snapshot: null,
            entries: [],
          },
          { kind: 'send', to: n2, message: answer, after: 1 },
        ]
      : [];
  transport.events?.onMessage(n2, { kind: 'timeout-now', term: term(1) });
  await settled();
  const read = node.readIndex();

  await store.failWrite(new Error('EIO'));
  transport.events?.onMessage(n2, { kind: 'timeout-now', term: term(1) });
  await settled();

  expect(fatal).toEqual([new Error('EIO')]);
  expect(transport.sent).toEqual([]);
  await expect(read).rejects.toMatchObject({ code: 'RAFT_SHUTTING_DOWN' });
  expect(store.writes).toHaveLength(1);
});

test('a leader that was stopped past an election timeout must find its quorum again, or leave', async () => {
  const { machine, clock } = await open();

  clock.jump(10_000);
  await settled();
  expect(kindsOf(machine.inputs)).toEqual(['read-index', 'tick']);
  clock.advance(500);
  await settled();

  expect(kindsOf(machine.inputs)).toContain('step-down');
});

test('a leader that finds its quorum after a pause stays', async () => {
  const { machine, clock } = await open();
  machine.onStep = (input) =>
    input.kind === 'read-index'
      ? [{ kind: 'read-ready', readId: input.readId, index: logIndex(1) }]
      : [];

  clock.jump(10_000);
  await settled();
  clock.advance(2000);
  await settled();

  expect(kindsOf(machine.inputs)).not.toContain('step-down');
});

test('who is connected is part of the status, and a lost peer is told to the machine', async () => {
  const { node, machine, transport } = await open();
  const heard: boolean[] = [];
  node.onChange((status) => heard.push(status.peers[0]?.isConnected ?? false));

  transport.events?.onPeer(n2, 'up');
  await settled();
  transport.events?.onPeer(n2, 'down');
  await settled();

  expect(heard).toEqual([true, false]);
  expect(machine.inputs).toEqual([{ kind: 'peer-unreachable', peer: n2 }]);
});

test('a closed node is silent', async () => {
  const { node, machine, transport, clock } = await open();
  const stepped = machine.inputs.length;

  await node.close();
  clock.advance(1000);
  transport.events?.onMessage(n2, { kind: 'timeout-now', term: term(1) });
  node.setApplied(logIndex(1));
  await settled();

  expect(machine.inputs).toHaveLength(stepped);
  expect(transport.isClosed).toBe(true);
  await expect(node.readIndex()).rejects.toMatchObject({ code: 'RAFT_SHUTTING_DOWN' });
  expect(node.leaseUntilMs()).toBe(0);
});
