import { join } from 'node:path';
import { BackgroundProcess } from '../background-process.ts';
import type { PutMember, PutSystem, PutTurn } from './put-system.ts';

const numbers = [1, 2, 3];

/**
 * Three members of etcd with nothing set but names, addresses and how much they say: everything that bears on speed and durability
 * is as by default, so each put is synced to the write-ahead log of a majority before it is acknowledged (etcd manual,
 * "Tuning", and `--unsafe-no-fsync`, which is not given).
 */
export async function startEtcd(turn: PutTurn): Promise<PutSystem> {
  await using started = new AsyncDisposableStack();
  // Together: a member waits for the others before it serves anybody.
  const outcomes = await Promise.allSettled(numbers.map((number) => startMember(turn, number)));
  for (const outcome of outcomes) {
    if (outcome.status === 'fulfilled') started.use(outcome.value.process);
  }
  const members = outcomes.map((outcome): PutMember => {
    if (outcome.status === 'rejected') throw outcome.reason;
    return { pid: outcome.value.process.pid, port: outcome.value.port };
  });
  const processes = started.move();
  return { members, [Symbol.asyncDispose]: () => processes.disposeAsync() };
}

async function startMember(
  turn: PutTurn,
  number: number,
): Promise<{ readonly process: BackgroundProcess; readonly port: number }> {
  const { mysql: port, group } = turn.ports.server(number);
  const client = `http://127.0.0.1:${port}`;
  const name = `m${number}`;
  const everybody = numbers.map((each) => `m${each}=${peerUrl(turn.ports.server(each).group)}`);
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
  return { process, port };
}

function peerUrl(port: number): string {
  return `http://127.0.0.1:${port}`;
}
