import { messageOf } from '../../base/errors.ts';
import type { Turn } from '../environment.ts';
import { BenchError } from '../errors.ts';
import { type SqlEndpoint, withSql } from '../sql.ts';
import { PlainServer, peerAccount } from './plain-server.ts';
import { durableSettings, type RunningSystem, requireGlobals } from './system.ts';

const memberNumbers = [1, 2, 3];
const groupName = '6b0c8f4e-5c1d-4e0a-9d3b-2f7a51c0de01';
const joinTimeoutMs = 60_000;
const readyTimeoutMs = 60_000;
const readyPollMs = 100;

/** Group Replication as MySQL sets it up by itself: three members, a single primary, everything else at its default. */
export async function startGroupReplication(turn: Turn): Promise<RunningSystem> {
  await using started = new AsyncDisposableStack();
  const endpoints: SqlEndpoint[] = [];
  for (const number of memberNumbers) {
    const settings = memberSettings(turn, number);
    const options = { number, settings, plugins: ['group_replication.so'] };
    const server = started.use(await PlainServer.start(turn, options));
    try {
      await joinGroup(turn, server.endpoint, number === memberNumbers[0]);
    } catch (cause) {
      const message = `member ${number} did not join: ${messageOf(cause)}: ${await server.lastLog()}`;
      throw new BenchError('BENCH_START_FAILED', message, { cause });
    }
    endpoints.push(server.endpoint);
  }
  const [primary, ...followers] = endpoints;
  if (primary === undefined) throw new BenchError('BENCH_START_FAILED', 'a group has members');
  await untilOnline(turn, primary);
  const servers = started.move();
  return {
    endpoints: [primary],
    primary,
    followers,
    check: () => check(turn, primary, followers),
    [Symbol.asyncDispose]: () => servers.disposeAsync(),
  };
}

function memberSettings(turn: Turn, number: number): Readonly<Record<string, string>> {
  const address = (member: number): string => `127.0.0.1:${turn.ports.server(member).group}`;
  return {
    group_replication_group_name: groupName,
    group_replication_local_address: address(number),
    group_replication_group_seeds: memberNumbers.map(address).join(','),
    group_replication_start_on_boot: 'OFF',
    group_replication_bootstrap_group: 'OFF',
    group_replication_single_primary_mode: 'ON',
    // Without TLS, as everything here runs.
    group_replication_ssl_mode: 'DISABLED',
    group_replication_recovery_get_public_key: 'ON',
  };
}

async function joinGroup(turn: Turn, member: SqlEndpoint, isFirst: boolean): Promise<void> {
  const { user, password } = peerAccount;
  await withSql(member, turn.clock, async (query) => {
    if (isFirst) await query('SET GLOBAL group_replication_bootstrap_group = ON');
    await query(
      `START GROUP_REPLICATION USER = '${user}', PASSWORD = '${password}'`,
      joinTimeoutMs,
    );
    if (isFirst) await query('SET GLOBAL group_replication_bootstrap_group = OFF');
  });
}

/** State and role of each member, by its port, as one of them sees the group. */
async function membersOf(turn: Turn, member: SqlEndpoint): Promise<readonly string[]> {
  return await withSql(member, turn.clock, async (query) => {
    const rows = await query(
      'SELECT MEMBER_PORT, MEMBER_STATE, MEMBER_ROLE FROM performance_schema.replication_group_members ORDER BY MEMBER_PORT',
    );
    return rows.map((row) => `${row['MEMBER_PORT']} ${row['MEMBER_STATE']} ${row['MEMBER_ROLE']}`);
  });
}

function wantedMembers(turn: Turn): readonly string[] {
  return memberNumbers.map((number) => {
    const role = number === memberNumbers[0] ? 'PRIMARY' : 'SECONDARY';
    return `${turn.ports.server(number).mysql} ONLINE ${role}`;
  });
}

async function untilOnline(turn: Turn, member: SqlEndpoint): Promise<void> {
  const { clock, signal } = turn;
  const untilMs = clock.monotonicMs() + readyTimeoutMs;
  for (;;) {
    const members = await membersOf(turn, member);
    if (members.join() === wantedMembers(turn).join()) return;
    if (clock.monotonicMs() > untilMs) {
      const message = `the group did not form within ${readyTimeoutMs} ms: ${members.join(', ')}`;
      throw new BenchError('BENCH_START_FAILED', message);
    }
    await clock.delay(readyPollMs, { signal });
  }
}

async function check(
  turn: Turn,
  primary: SqlEndpoint,
  followers: readonly SqlEndpoint[],
): Promise<void> {
  for (const member of [primary, ...followers]) {
    await withSql(member, turn.clock, async (query) => {
      await requireGlobals('group member', query, 'VARIABLES', {
        ...durableSettings,
        group_replication_single_primary_mode: 'ON',
        replica_parallel_workers: '4',
      });
    });
    const members = await membersOf(turn, member);
    if (members.join() === wantedMembers(turn).join()) continue;
    throw new BenchError('BENCH_MISCONFIGURED', `group: ${members.join(', ')}`);
  }
}
