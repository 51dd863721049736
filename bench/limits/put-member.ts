import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { encodePutAnswer, encodeStatus } from '../core/etcd-wire.ts';
import { readMemberSettings } from '../member-settings.ts';
import { putService } from '../put-service.ts';
import { serveUnary } from '../unary-server.ts';
import { ByteQuorum, followOn } from './byte-quorum.ts';

// A process that is one of three members, of which the first one takes puts: `put-member.ts <settings as JSON>`. The others are started
// first. It answers as a Raft member does, as quickly as Node gets bytes onto two disks of three, and keeps no promise but that.

const requestBytesMax = 1024 * 1024;
const leader = 'n1';
const ofNoElection = { leaderId: 1n, term: 1n };

async function main(): Promise<void> {
  const { id, directory, ports, clientPort } = readMemberSettings(process.argv[2]);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, 'bytes');
  const followers = Object.entries(ports).filter(([other]) => other !== leader);
  const followerPorts = followers.map(([, port]) => port);
  const quorum = id === leader ? await ByteQuorum.connect(followerPorts, path) : null;
  if (quorum === null) await followOn(ports[id] ?? 0, path);
  let acknowledged = 0;
  const put = async (request: Uint8Array): Promise<Uint8Array> => {
    if (quorum === null) throw new Error(`puts are for ${leader}`);
    await quorum.append(request);
    acknowledged += 1;
    return encodePutAnswer({ revision: acknowledged, term: 1 });
  };
  const status = (): Uint8Array =>
    encodeStatus({
      ...ofNoElection,
      memberId: BigInt(id.slice(1)),
      index: BigInt(acknowledged),
    });
  await serveUnary({
    port: clientPort,
    requestBytesMax,
    handlers: new Map([
      [putService.put.path, put],
      [putService.status.path, () => Promise.resolve(status())],
    ]),
  });
}

await main();
