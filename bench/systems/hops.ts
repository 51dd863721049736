import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BackgroundProcess } from '../background-process.ts';
import type { Turn } from '../environment.ts';
import type { CommitLeaderSettings } from '../limits/commit-leader.ts';
import { PlainServer, peerAccount } from './plain-server.ts';
import { type PutSystem, type PutTurn, type StartedMember, startMembers } from './put-system.ts';
import { startNodeMember } from './raft-group.ts';
import { requireLossless, sourceSettings, untilFollowed } from './semisync.ts';
import type { RunningSystem } from './system.ts';

// Limits: the hops and syncs that a put or a commit has in our design, in processes that do nothing besides.

const putMember = fileURLToPath(new URL('../limits/put-member.ts', import.meta.url));
const commitLeader = fileURLToPath(new URL('../limits/commit-leader.ts', import.meta.url));
const memberCount = 3;
const followers = 2;

/** What no group of three members in Node is quicker than with one client. */
export async function startPutHops(turn: PutTurn): Promise<PutSystem> {
  await using started = new AsyncDisposableStack();
  const { members } = started.use(await startFollowers(turn));
  const leader = started.use(await startMember(turn, 1));
  const all = started.move();
  return {
    members: [leader, ...members],
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** What no server under such a group commits quicker than with one session. The first server of the turn; followers take ports of the others. */
export async function startCommitHops(turn: Turn): Promise<RunningSystem> {
  await using started = new AsyncDisposableStack();
  started.use(await startFollowers(turn));
  const server = started.use(
    await PlainServer.start(turn, { number: 1, settings: sourceSettings() }),
  );
  const { endpoint } = server;
  const directory = join(turn.folder, 'leader');
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const readyPort = turn.ports.server(1).group;
  const settings: CommitLeaderSettings = {
    directory,
    followerPorts: [2, 3].map((number) => turn.ports.server(number).group),
    server: { ...peerAccount, port: endpoint.port },
    readyPort,
  };
  started.use(
    await BackgroundProcess.start(turn, {
      command: [process.execPath, commitLeader, JSON.stringify(settings)],
      logPath: join(turn.folder, 'leader.log'),
      port: readyPort,
    }),
  );
  await untilFollowed(turn, endpoint, 1);
  const all = started.move();
  return {
    endpoints: [endpoint],
    primary: endpoint,
    followers: [],
    check: () => requireLossless(turn, endpoint, 1),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** Members 2 and 3. */
async function startFollowers(turn: PutTurn): Promise<PutSystem> {
  return await startMembers(followers, (number) => startMember(turn, number + 1));
}

function startMember(turn: PutTurn, number: number): Promise<StartedMember> {
  const options = { number, count: memberCount, seed: turn.round, program: putMember };
  return startNodeMember(turn, options);
}
