import { afterEach, expect, test } from 'vitest';
import { type AdminHost, AdminServer, type TransferReport } from '../../admin/admin-server.ts';
import type { LatencyReport } from '../../admin/latency-report.ts';
import type { MemberReport, MemberRequest } from '../../admin/member-change.ts';
import type { NodeStatus } from '../../admin/node-status.ts';
import { silentLogger } from '../../base/logger.ts';
import {
  fetchCluster,
  fetchLatency,
  requestMemberChange,
  requestTransfer,
} from '../../cli/admin-client.ts';
import { runTransfer } from '../../cli/admin-commands.ts';
import { nodeId } from '../../raft/core/types.ts';
import { latencyReport } from '../support/latency-report.ts';
import { lowPort } from '../support/low-port.ts';
import { nodeStatus } from '../support/node-status.ts';

const host = '127.0.0.1';
const password = 'admin-password';
const opened: AdminServer[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((server) => server.close()));
});

class FakeHost implements AdminHost {
  counted: Partial<LatencyReport> = {};
  readonly asked: (string | null)[] = [];
  current: NodeStatus;

  constructor(current: NodeStatus) {
    this.current = current;
  }

  status(): NodeStatus {
    return this.current;
  }

  latency(): LatencyReport {
    return latencyReport({ node: this.current.node, ...this.counted });
  }

  readonly changes: MemberRequest[] = [];

  changeMembers(request: MemberRequest): Promise<MemberReport> {
    this.changes.push(request);
    return Promise.resolve({ outcome: 'changed', reason: `by ${this.current.node}` });
  }

  transfer(target: string | null): Promise<TransferReport> {
    this.asked.push(target);
    const { node } = this.current;
    return Promise.resolve({
      outcome: 'handed-over',
      reason: '',
      from: node,
      to: target,
      durationMs: 5,
    });
  }
}

interface Pair {
  readonly n1: FakeHost;
  readonly n2: FakeHost;
  readonly ports: { readonly n1: number; readonly n2: number };
}

/** Two members of whom n1 leads; n1's admin server runs only when asked for. */
async function pair({ isLeaderUp = true } = {}): Promise<Pair> {
  const ports = { n1: await lowPort(), n2: await lowPort() };
  const members = [
    { id: 'n1', host, adminPort: ports.n1 },
    { id: 'n2', host, adminPort: ports.n2 },
  ];
  const n1 = new FakeHost(nodeStatus({ node: 'n1', raft: { role: 'leader' } }));
  const n2 = new FakeHost(nodeStatus({ node: 'n2' }));
  const start = async (self: 'n1' | 'n2', node: FakeHost): Promise<void> => {
    const listen = { host, port: ports[self] };
    const server = new AdminServer({
      listen,
      self,
      members,
      password,
      host: node,
      logger: silentLogger,
    });
    opened.push(server);
    await server.open();
  };
  if (isLeaderUp) await start('n1', n1);
  await start('n2', n2);
  return { n1, n2, ports };
}

function get(port: number, path: string): Promise<Response> {
  return fetch(`http://${host}:${port}${path}`);
}

function post(port: number, body: string, type = 'application/json'): Promise<Response> {
  const init = { method: 'POST', headers: { 'content-type': type }, body };
  return fetch(`http://${host}:${port}/transfer`, init);
}

test('health says that the process runs', async () => {
  const { ports } = await pair();
  const response = await get(ports.n2, '/health');
  expect([response.status, await response.json()]).toEqual([200, { status: 'alive' }]);
});

test('a node is ready while a leader is known and its MySQL serves, and only then', async () => {
  const { n2, ports } = await pair();
  const ready = async (): Promise<unknown> => {
    const response = await get(ports.n2, '/ready');
    return [response.status, await response.json()];
  };
  expect(await ready()).toEqual([200, { ready: true, role: 'replica' }]);
  n2.current = nodeStatus({ raft: { leaderId: null } });
  expect(await ready()).toEqual([503, { ready: false, role: 'replica' }]);
  n2.current = nodeStatus({ mysql: { health: 'degraded', role: 'joining' } });
  expect(await ready()).toEqual([503, { ready: false, role: 'joining' }]);
});

test('status is what the node says of itself', async () => {
  const { n2, ports } = await pair();
  expect(await (await get(ports.n2, '/status')).json()).toEqual(n2.current);
});

test('the cluster is every member, asked by the node that was asked', async () => {
  const { n1, n2, ports } = await pair();
  expect(await fetchCluster(host, ports.n2)).toEqual({
    askedNode: 'n2',
    nodes: [
      { kind: 'reached', id: 'n1', status: n1.current },
      { kind: 'reached', id: 'n2', status: n2.current },
    ],
  });
});

test('a member that does not answer is shown as unreachable, with its address and the reason', async () => {
  const { ports } = await pair({ isLeaderUp: false });
  const { nodes } = await fetchCluster(host, ports.n2);
  expect(nodes[0]).toEqual({
    kind: 'unreachable',
    id: 'n1',
    address: `${host}:${ports.n1}`,
    reason: expect.stringContaining('ECONNREFUSED'),
  });
});

test('metrics are Prometheus text with the values of the moment', async () => {
  const { n2, ports } = await pair();
  n2.current = nodeStatus({ mysql: { unackedTransactions: 42 } });
  const response = await get(ports.n2, '/metrics');
  expect(response.headers.get('content-type')).toContain('text/plain');
  const lines = (await response.text()).split('\n');
  expect(lines).toContain('# TYPE binraft_raft_term gauge');
  expect(lines).toContain('binraft_raft_term 3');
  expect(lines).toContain('binraft_raft_is_leader 0');
  expect(lines).toContain('binraft_mysql_is_healthy 1');
  expect(lines).toContain('binraft_mysql_unacked_transactions 42');
  expect(lines).toContain('binraft_proxy_held_responses 7');
});

test('a transfer asked of any node is carried out by the leader', async () => {
  const { n1, n2, ports } = await pair();
  const report = await requestTransfer({ host, port: ports.n2 }, 'n2');
  expect(report).toMatchObject({ outcome: 'handed-over', from: 'n1', to: 'n2' });
  expect(n1.asked).toEqual(['n2']);
  expect(n2.asked).toEqual([]);
});

test('a transfer that names nobody is left to the leader', async () => {
  const { n1, ports } = await pair();
  await requestTransfer({ host, port: ports.n1 }, null);
  expect(n1.asked).toEqual([null]);
});

test('a transfer to the node that leads already is refused', async () => {
  const { n1, ports } = await pair();
  const report = await requestTransfer({ host, port: ports.n2 }, 'n1');
  expect(report).toMatchObject({ outcome: 'refused', reason: 'n1 leads already' });
  expect(n1.asked).toEqual([]);
});

test.each([
  ['an unknown node', '{"target": "n9"}', 'application/json', 400],
  ['a number', '{"target": 2}', 'application/json', 400],
  ['no target', '{}', 'application/json', 400],
  ['an array', '[]', 'application/json', 400],
  ['null', 'null', 'application/json', 400],
  ['bad JSON', '{"target": ', 'application/json', 400],
  ['nothing', '', 'application/json', 400],
  ['another type', 'target=n2', 'application/x-www-form-urlencoded', 415],
  ['too much', JSON.stringify({ target: 'n'.repeat(20_000) }), 'application/json', 413],
])('a transfer with %s is refused with our code', async (_what, body, type, status) => {
  const { n1, n2, ports } = await pair();
  const response = await post(ports.n2, body, type);
  expect([response.status, await response.json()]).toEqual([
    status,
    { code: 'ADMIN_BAD_REQUEST', message: expect.any(String) },
  ]);
  expect([...n1.asked, ...n2.asked]).toEqual([]);
});

test('a refusal names the nodes there are', async () => {
  const { ports } = await pair();
  const refused = requestTransfer({ host, port: ports.n2 }, 'n9');
  await expect(refused).rejects.toMatchObject({
    code: 'ADMIN_REFUSED',
    message: expect.stringContaining('nodes are n1, n2'),
  });
});

test('an unknown route is refused with the routes there are', async () => {
  const { ports } = await pair();
  const response = await get(ports.n2, '/statsu');
  expect(response.status).toBe(404);
  expect(await response.json()).toMatchObject({
    code: 'ADMIN_BAD_REQUEST',
    message: expect.stringContaining('/status'),
  });
});

test('when the leader does not answer, the outcome of a transfer is unknown, and the command says so', async () => {
  const { ports } = await pair({ isLeaderUp: false });
  const address = { host, port: ports.n2 };
  expect(await requestTransfer(address, 'n2')).toMatchObject({
    outcome: 'unknown',
    from: 'n1',
    reason: expect.stringContaining('the leader n1 did not answer'),
  });
  const terminal = { hasColours: false, line: () => undefined, progress: () => undefined };
  await expect(runTransfer(address, 'n2', terminal)).rejects.toMatchObject({
    code: 'ADMIN_TRANSFER_FAILED',
    message: expect.stringContaining('unknown'),
    retryable: false,
  });
});

test('two nodes that each take the other for the leader do not pass a transfer back and forth', async () => {
  const { n1, n2, ports } = await pair();
  n1.current = nodeStatus({ node: 'n1', raft: { leaderId: nodeId('n2') } });
  await requestTransfer({ host, port: ports.n2 }, null);
  expect([n1.asked, n2.asked]).toEqual([[null], []]);
});

test('latency is what the node has counted, and that of the cluster what every member has, each reached or not', async () => {
  const { n1, n2, ports } = await pair();
  n1.counted = { logWrite: { count: 1, sumUs: 90, buckets: [[96, 1]] } };
  expect(await (await get(ports.n2, '/latency')).json()).toEqual(n2.latency());
  expect(await fetchLatency(host, ports.n2)).toEqual({
    askedNode: 'n2',
    nodes: [
      { kind: 'reached', id: 'n1', report: n1.latency() },
      { kind: 'reached', id: 'n2', report: n2.latency() },
    ],
  });

  const alone = await pair({ isLeaderUp: false });
  expect((await fetchLatency(host, alone.ports.n2)).nodes[0]).toMatchObject({
    kind: 'unreachable',
    id: 'n1',
    reason: expect.stringContaining('ECONNREFUSED'),
  });
});

test('metrics have the stages of commits as histograms: cumulative buckets, sum and count in seconds', async () => {
  const { n2, ports } = await pair();
  const { stages } = n2.latency();
  const counted: LatencyReport['logWrite'] = {
    count: 4,
    sumUs: 70_000_300,
    buckets: [
      [64, 1],
      [68, 2],
      [69_000_000, 1],
    ],
  };
  n2.counted = { stages: { ...stages, 'propose-to-quorum': counted }, logWrite: counted };
  const lines = (await (await get(ports.n2, '/metrics')).text()).split('\n');
  const stage = 'binraft_commit_stage_seconds';
  expect(lines).toEqual(
    expect.arrayContaining([
      `# TYPE ${stage} histogram`,
      `${stage}_bucket{stage="propose-to-quorum",le="0.000064"} 1`,
      `${stage}_bucket{stage="propose-to-quorum",le="0.000128"} 3`,
      `${stage}_bucket{stage="propose-to-quorum",le="67.108864"} 3`,
      `${stage}_bucket{stage="propose-to-quorum",le="+Inf"} 4`,
      `${stage}_sum{stage="propose-to-quorum"} 70.0003`,
      `${stage}_count{stage="propose-to-quorum"} 4`,
      `${stage}_count{stage="ack-to-client"} 0`,
      'binraft_log_write_seconds_bucket{le="0.000064"} 1',
      'binraft_log_write_seconds_count 4',
    ]),
  );
});

test('a change of members is carried out by the leader, whoever is asked, and needs the password', async () => {
  const { n1, n2, ports } = await pair();
  const change = { kind: 'remove', node: 'n2' } as const;

  const report = await requestMemberChange({ host, port: ports.n2, password }, change);
  const refused = requestMemberChange({ host, port: ports.n2, password: 'another' }, change);

  await expect(refused).rejects.toThrow('Authorization: Bearer');
  expect(report).toEqual({ outcome: 'changed', reason: 'by n1' });
  expect(n1.changes).toEqual([change]);
  expect(n2.changes).toEqual([]);
});

test('a change of members whose leader does not answer is unknown, not failed', async () => {
  const { n2, ports } = await pair({ isLeaderUp: false });
  const change = { kind: 'add', node: 'n2' } as const;

  const report = await requestMemberChange({ host, port: ports.n2, password }, change);

  expect(report).toEqual({ outcome: 'unknown', reason: expect.stringContaining('ECONNREFUSED') });
  expect(n2.changes).toEqual([]);
});

test.for([
  '{"remove":"n9"}',
  '{"remove":7}',
  '{"promote":"n2"}',
  '{"add":"n1","remove":"n2"}',
  '[]',
  'null',
])('a change of members that makes no sense is refused, and changes nothing: %s', async (body) => {
  const { n1, ports } = await pair();
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${password}` };

  const response = await fetch(`http://${host}:${ports.n1}/members`, {
    ...{ method: 'POST', headers, body },
  });

  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({
    code: 'ADMIN_BAD_REQUEST',
    message: expect.stringContaining('nodes are n1, n2'),
  });
  expect(n1.changes).toEqual([]);
});

test('a port that is taken is a fatal error with its own code', async () => {
  const { ports } = await pair();
  const listen = { host, port: ports.n2 };
  const second = new AdminServer({
    listen,
    self: 'n2',
    members: [],
    password,
    host: new FakeHost(nodeStatus()),
    logger: silentLogger,
  });
  opened.push(second);
  await expect(second.open()).rejects.toMatchObject({ code: 'PORT_TAKEN' });
});

test('when the leader fails at a change of members, what became of it is unknown', async () => {
  const { n1, ports } = await pair();
  n1.changeMembers = () => Promise.reject(new Error('out of order'));
  const address = { host, port: ports.n2, password };
  const report = await requestMemberChange(address, { kind: 'add', node: 'n2' });
  expect(report).toEqual({
    outcome: 'unknown',
    reason: 'the leader n1 answered with HTTP status 500',
  });
});
