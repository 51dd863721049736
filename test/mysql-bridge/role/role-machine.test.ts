import { expect, test } from 'vitest';
import { condemnTicks } from '../../../mysql-bridge/role/role-machine.ts';
import { RoleHarness, words } from './role-harness.ts';

test('a node starts no server before the log has decided its binlog tail (H4, H26)', () => {
  const node = new RoleHarness();

  const undecided = node.give({ kind: 'tick' });
  const decided = node.follow(3);

  expect(words(undecided)).toEqual([]);
  expect(words(decided)).toEqual(['cut-binlog']);
  expect(node.machine.state.kind).toBe('cutting');
});

test('a server is started only when the cut is done, and follows only when it is started', () => {
  const node = new RoleHarness();
  node.follow(3);

  expect(words(node.finish('cut-binlog'))).toEqual(['start-server']);
  expect(words(node.finish('start-server'))).toEqual(['follow']);
  expect(words(node.finish('follow'))).toEqual([]);
  expect(node.machine.state.kind).toBe('replica');
});

test('a leader is promoted only after its own-term entry is committed (R8)', () => {
  const node = new RoleHarness();
  node.becomeReplica();
  const view = { isLeader: true, term: 2, isLeaderReady: false, isTailDecided: false };

  const early = node.give({ kind: 'leadership', view });
  const ready = node.lead(2);

  expect(words(early)).toEqual([]);
  expect(words(ready)).toEqual(['catch-up']);
});

test('the gate opens last, under the term of the promotion', () => {
  const node = new RoleHarness();
  node.becomeReplica();
  node.lead(2);

  expect(words(node.finish('catch-up'))).toEqual(['take-over']);
  expect(node.openTerm).toBeNull();
  expect(words(node.finish('take-over'))).toEqual(['open-gate']);
  expect(node.openTerm).toBe(2);
});

test('a deposed primary closes the gate, stops acks, then kills its server, in this order (G7, H16)', () => {
  const node = new RoleHarness();
  node.becomePrimary(2);

  const effects = node.follow(3);

  expect(words(effects)).toEqual(['close-gate', 'stop-acks', 'kill-server']);
  expect(node.machine.state.kind).toBe('fencing');
});

test('leadership that passes on and comes back between two steps is another term, and fences (H16)', () => {
  const node = new RoleHarness();
  node.becomePrimary(2);

  const effects = node.lead(5);

  expect(words(effects)).toEqual(['close-gate', 'stop-acks', 'abdicate', 'kill-server']);
});

test('a primary whose mysqld died hands leadership over at once', () => {
  const node = new RoleHarness();
  node.becomePrimary(2);

  const effects = node.give({ kind: 'server-exited', reason: 'signal SIGKILL' });

  expect(words(effects)).toEqual(['close-gate', 'stop-acks', 'abdicate', 'kill-server']);
});

test('a server is never promoted twice in one term: its earlier proposals may still commit (H4)', () => {
  const node = new RoleHarness();
  node.becomePrimary(2);
  node.give({ kind: 'server-exited', reason: 'signal SIGKILL' });
  for (const kind of ['kill-server', 'cut-binlog', 'start-server', 'follow'] as const) {
    node.finish(kind);
  }

  const same = node.lead(2);
  const next = node.lead(3);

  expect(node.machine.state).toEqual({ kind: 'catching-up', term: 3 });
  expect(words(same)).toEqual([]);
  expect(words(next)).toEqual(['catch-up']);
});

test('leadership lost while catching up leaves the server the replica it was', () => {
  const node = new RoleHarness();
  node.becomeReplica();
  node.lead(2);

  const lost = node.follow(3);
  const ended = node.fail('catch-up', 'cancelled');

  expect(words(lost)).toEqual(['cancel-task']);
  expect(words(ended)).toEqual(['follow']);
  expect(node.machine.state.kind).toBe('joining');
});

test('leadership lost in the take-over kills the server, whatever the take-over had reached (H16)', () => {
  const node = new RoleHarness();
  node.becomeReplica();
  node.lead(2);
  node.finish('catch-up');

  const effects = node.follow(3);

  expect(words(effects)).toEqual(['close-gate', 'stop-acks', 'cancel-task', 'kill-server']);
});

test('after a kill nothing touches the server until the cancelled task has ended', () => {
  const node = new RoleHarness();
  node.becomeReplica();
  node.lead(2);
  node.finish('catch-up');
  node.follow(3);

  const killed = node.finish('kill-server');
  const ended = node.fail('take-over', 'connection lost');

  expect(words(killed)).toEqual([]);
  expect(words(ended)).toEqual(['cut-binlog']);
});

test('a leader whose disk takes no write while it catches up lets another lead, and stays a replica (N7)', () => {
  const node = new RoleHarness();
  node.becomeReplica();
  node.lead(2);

  const effects = node.give({ kind: 'disk-fault', reason: 'the disk is full' });

  expect(words(effects)).toEqual(['abdicate']);
  expect(node.machine.state.kind).toBe('catching-up');
});

test('a planned transfer hands over without killing the server', () => {
  const node = new RoleHarness();
  node.becomePrimary(2);

  const asked = node.give({ kind: 'transfer-requested', target: 'n2', deadlineMs: 1000 });
  const quiet = node.finish('quiesce');
  const handed = node.follow(3);
  const ended = node.finish('transfer-leadership');

  expect(words(asked)).toEqual(['quiesce']);
  expect(words(quiet)).toEqual(['transfer-leadership']);
  expect(words(handed)).toEqual([
    'close-gate',
    'stop-acks',
    'release-statements',
    'transfer-ended',
    'cancel-task',
  ]);
  expect(words(ended)).toEqual(['follow']);
});

test('a transfer past its deadline is given up and everything goes on as before', () => {
  const node = new RoleHarness();
  node.becomePrimary(2);
  node.give({ kind: 'transfer-requested', target: null, deadlineMs: 1000 });

  const blocked = node.fail('quiesce', '1 session stayed in a transaction');
  const resumed = node.finish('resume');

  expect(words(blocked)).toEqual(['transfer-ended', 'resume']);
  expect(words(resumed)).toEqual(['release-statements']);
  expect(node.machine.state).toEqual({ kind: 'primary', term: 2 });
  expect(node.openTerm).toBe(2);
});

test('a transfer is refused where the server is not primary, with the role in the reason', () => {
  const node = new RoleHarness();
  node.becomeReplica();

  const [effect] = node.give({ kind: 'transfer-requested', target: 'n2', deadlineMs: 1000 });

  expect(effect).toEqual({
    kind: 'transfer-ended',
    outcome: 'refused',
    reason: "this node's MySQL is replica, not primary",
  });
});

const errant = {
  kind: 'errant-found',
  reason: 'errant: u:7',
  gtids: 'u:7',
  canRebuild: true,
} as const;

test('errant transactions condemn the server: marked, killed, moved aside, built anew (G5)', () => {
  const node = new RoleHarness();
  node.becomeReplica();

  const found = node.give(errant);
  node.condemned();
  const killed = node.finish('kill-server');
  const rebuilt = node.finish('rebuild');

  expect(words(found)).toEqual([
    'condemn',
    'set-electable',
    'close-gate',
    'stop-acks',
    'kill-server',
  ]);
  expect(found[0]).toEqual({ kind: 'condemn', verdict: { reason: 'errant: u:7', gtids: 'u:7' } });
  expect(words(killed)).toEqual(['rebuild']);
  expect(words(rebuilt)).toEqual(['set-electable', 'cut-binlog']);
});

test('nothing is done about a condemned server but to keep it down before its mark is durable (G2, G5)', () => {
  const node = new RoleHarness();
  node.becomePrimary(2);
  node.give(errant);

  const killed = [...node.finish('kill-server'), ...node.give({ kind: 'tick' }), ...node.lead(9)];
  const whileWriting = node.machine.state.kind;
  const marked = node.condemned();

  expect(words(killed)).toEqual([]);
  expect(whileWriting).toBe('condemning');
  expect(words(marked)).toEqual(['rebuild']);
});

test('a mark that cannot be written is tried again, and until then the server stays down and says why (G5)', () => {
  const node = new RoleHarness();
  node.becomeReplica();
  node.give(errant);
  node.finish('kill-server');

  const failed = node.condemnFailed('ENOSPC');
  const waits: number[] = [];
  for (let attempt = 0; attempt < 3; attempt += 1) {
    let ticks = 0;
    while (node.condemning === null) {
      expect(words(node.give({ kind: 'tick' })).filter((word) => word !== 'condemn')).toEqual([]);
      ticks += 1;
    }
    waits.push(ticks);
    if (attempt < 2) node.condemnFailed();
  }

  expect(failed).toEqual([
    {
      kind: 'state-changed',
      state: { kind: 'condemning' },
      reason: 'errant: u:7; the mark is not durable: ENOSPC',
    },
  ]);
  expect(waits).toEqual([condemnTicks, condemnTicks, condemnTicks]);
  expect(words(node.condemned())).toEqual(['rebuild']);
});

test('a server that an earlier life of the node condemned is built anew before anything else, whatever the log says (G2, G5)', () => {
  const node = new RoleHarness();

  const found = node.give({ ...errant, kind: 'condemned' });
  const decided = node.follow(1);
  const rebuilt = node.finish('rebuild');

  expect(words(found)).toEqual(['set-electable', 'rebuild']);
  expect(found.at(-2)).toMatchObject({ state: { kind: 'rebuilding' }, reason: 'errant: u:7' });
  expect(words(decided)).toEqual([]);
  expect(words(rebuilt)).toEqual(['set-electable', 'cut-binlog']);
});

test('a data folder that comes back with its mark while the node runs is not started on (G5)', () => {
  const node = new RoleHarness();
  node.follow(1);
  node.finish('cut-binlog');

  const found = node.give({ ...errant, kind: 'condemned' });
  const failed = node.fail('start-server');
  const killed = node.finish('kill-server');

  expect(words(found)).toEqual([
    'set-electable',
    'close-gate',
    'stop-acks',
    'cancel-task',
    'kill-server',
  ]);
  expect(words(failed)).toEqual([]);
  expect(words(killed)).toEqual(['rebuild']);
});

test('a rebuild that fails is tried again, and the server stays condemned', () => {
  const node = new RoleHarness();
  node.give({ ...errant, kind: 'condemned' });

  const next = [...node.fail('rebuild'), ...node.follow(1)];

  expect(words(next)).toEqual(['rebuild']);
});

test.for(['fencing', 'cutting'] as const)(
  'errant transactions found while a server is %s keep it from starting again (G5)',
  (when) => {
    const node = new RoleHarness();
    node.becomeReplica();
    node.give({ kind: 'server-exited', reason: 'signal SIGKILL' });
    if (when === 'cutting') node.finish('kill-server');

    node.give(errant);
    node.condemned();
    const next = node.finish(when === 'cutting' ? 'cut-binlog' : 'kill-server');

    expect(words(next)).toEqual(['rebuild']);
  },
);

test('without a whole log an errant node stays quarantined, and serves nothing (G5)', () => {
  const node = new RoleHarness();
  node.becomeReplica();
  node.give({ ...errant, canRebuild: false });
  node.condemned(false);
  node.finish('kill-server');

  const later = [...node.give({ kind: 'tick' }), ...node.lead(9)];

  expect(node.machine.state.kind).toBe('quarantined');
  expect(words(later)).toEqual([]);
});

test('a server that keeps failing is tried again ever more slowly, and does not keep leadership', () => {
  const node = new RoleHarness();
  node.lead(2);
  const waits: number[] = [];

  for (let attempt = 0; attempt < 4; attempt += 1) {
    node.finish('cut-binlog');
    node.fail('start-server');
    node.finish('kill-server');
    let ticks = 0;
    while (node.machine.state.kind === 'backing-off') {
      node.give({ kind: 'tick' });
      ticks += 1;
    }
    waits.push(ticks);
  }

  expect(waits).toEqual([0, 2, 4, 8]);
  expect(words(node.effects).filter((word) => word === 'abdicate')).toHaveLength(3);
});
