import { readFile } from 'node:fs/promises';
import type { AddressInfo, Server } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ByteQuorum, followOn } from '../../bench/limits/byte-quorum.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { waitFor } from '../support/wait-for.ts';

async function startFollower(path: string): Promise<{ server: Server; port: number }> {
  const server = await followOn(0, path);
  onTestFinished(() => void server.close());
  return { server, port: (server.address() as AddressInfo).port };
}

test('a length is reached when two of three files have it, and in the end all have the same bytes', async () => {
  using folder = temporaryFolder();
  const paths = ['leader', 'first', 'second'].map((name) => join(folder.path, name));
  const [leader = '', ...others] = paths;
  const followers = await Promise.all(others.map(startFollower));
  const reached: number[] = [];
  using quorum = await ByteQuorum.connect(
    followers.map(({ port }) => port),
    leader,
  );
  const pieces = Array.from({ length: 200 }, (_, number) => new Uint8Array(number).fill(number));
  const all = Buffer.concat(pieces);
  const holders = async (): Promise<number> => {
    const contents = await Promise.all(paths.map((path) => readFile(path)));
    return contents.filter((content) => content.equals(all)).length;
  };

  const appended = pieces.map(async (piece, number) => {
    await quorum.append(piece);
    reached.push(number);
  });
  await appended.at(-1);
  expect(await holders()).toBeGreaterThanOrEqual(2);
  expect(reached).toEqual([...pieces.keys()]);
  await waitFor(async () => expect(await holders()).toBe(3));
});

test('the leader and one follower are enough while the other one says nothing', async () => {
  using folder = temporaryFolder();
  const first = await startFollower(join(folder.path, 'first'));
  const silent = await startFollower(join(folder.path, 'silent'));
  silent.server.removeAllListeners('connection');
  const ports = [silent.port, first.port];
  using quorum = await ByteQuorum.connect(ports, join(folder.path, 'leader'));

  await quorum.append(Uint8Array.of(1, 2, 3));
  expect(await readFile(join(folder.path, 'first'))).toHaveLength(3);
});
