import { join } from 'node:path';
import { BackgroundProcess } from '../background-process.ts';
import { type PutSystem, type PutTurn, type StartedMember, startMembers } from './put-system.ts';

const memberCount = 3;

/**
 * Three members of etcd with nothing set but names, addresses and how much they say: everything that bears on speed and durability
 * is as by default, so each put is synced to the write-ahead log of a majority before it is acknowledged (etcd manual,
 * "Tuning", and `--unsafe-no-fsync`, which is not given).
 */
export async function startEtcd(turn: PutTurn): Promise<PutSystem> {
  return await startMembers(memberCount, (number) => startMember(turn, number));
}

async function startMember(turn: PutTurn, number: number): Promise<StartedMember> {
  const { mysql: port, group } = turn.ports.server(number);
  const client = `http://127.0.0.1:${port}`;
  const name = `m${number}`;
  const everybody = Array.from({ length: memberCount }, (_, place) => place + 1).map(
    (each) => `m${each}=${peerUrl(turn.ports.server(each).group)}`,
  );
  const { command } = turn.tools.find('etcd');
  const process = await BackgroundProcess.start(turn, {
    command: [
      ...command,
      ...['--name', name, '--data-dir', join(turn.folder, name)],
      ...['--listen-client-urls', client, '--advertise-client-urls', client],
      ...['--listen-peer-urls', peerUrl(group), '--initial-advertise-peer-urls', peerUrl(group)],
      ...['--initial-cluster', everybody.join(), '--initial-cluster-state', 'new'],
      ...['--logger', 'zap', '--log-level', 'warn'],
    ],
    logPath: join(turn.folder, `${name}.log`),
    port,
  });
  return { pid: process.pid, port, [Symbol.asyncDispose]: () => process[Symbol.asyncDispose]() };
}

function peerUrl(port: number): string {
  return `http://127.0.0.1:${port}`;
}
