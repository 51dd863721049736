import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { deferred } from '../../base/deferred.ts';
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

interface Put {
  readonly end: number;
  acknowledge(revision: number): void;
}

/** Puts in the order they came, each until a majority has its bytes. */
class PutOrder {
  readonly #waiting: Put[] = [];
  #acknowledged = 0;

  get acknowledged(): number {
    return this.#acknowledged;
  }

  add(put: Put): void {
    this.#waiting.push(put);
  }

  reach(length: number): void {
    for (let put = this.#waiting[0]; put !== undefined && put.end <= length; ) {
      this.#waiting.shift();
      this.#acknowledged += 1;
      put.acknowledge(this.#acknowledged);
      put = this.#waiting[0];
    }
  }
}

async function main(): Promise<void> {
  const { id, directory, ports, clientPort } = readMemberSettings(process.argv[2]);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, 'bytes');
  const order = new PutOrder();
  const quorum = id === leader ? await lead(ports, path, order) : null;
  if (quorum === null) await followOn(ports[id] ?? 0, path);
  await serveUnary({
    port: clientPort,
    requestBytesMax,
    handlers: new Map([
      [putService.put.path, (request: Uint8Array) => take(quorum, order, request)],
      [
        putService.status.path,
        () =>
          Promise.resolve(
            encodeStatus({
              ...ofNoElection,
              memberId: BigInt(id.slice(1)),
              index: BigInt(order.acknowledged),
            }),
          ),
      ],
    ]),
  });
}

async function lead(
  ports: Readonly<Record<string, number>>,
  path: string,
  order: PutOrder,
): Promise<ByteQuorum> {
  const others = Object.entries(ports).filter(([id]) => id !== leader);
  return await ByteQuorum.connect({
    ports: others.map(([, port]) => port),
    path,
    reached: (length) => order.reach(length),
  });
}

async function take(
  quorum: ByteQuorum | null,
  order: PutOrder,
  request: Uint8Array,
): Promise<Uint8Array> {
  if (quorum === null) throw new Error(`puts are for ${leader}`);
  const { promise, resolve } = deferred<number>();
  order.add({ end: quorum.append(request), acknowledge: resolve });
  return encodePutAnswer({ revision: await promise, term: 1 });
}

await main();
