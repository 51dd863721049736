import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { z } from 'zod';
import { SystemClock } from '../../base/clock.ts';
import { decodeEvent } from '../../mysql-bridge/binlog/event-codec.ts';
import { decodeEventHeader } from '../../mysql-bridge/binlog/event-header.ts';
import { EventType } from '../../mysql-bridge/binlog/event-types.ts';
import { GtidSet } from '../../mysql-bridge/binlog/gtid-set.ts';
import { DumpClient } from '../../mysql-bridge/dump-client.ts';
import { PacketCollector } from '../../mysql-bridge/protocol/packet-framer.ts';
import {
  decodeSemisyncHeader,
  semisyncHeaderBytes,
} from '../../mysql-bridge/semisync/semisync-header.ts';
import { ByteQuorum } from './byte-quorum.ts';

// A process that takes a server's binlog, puts it onto the disks of a majority and acknowledges it: `commit-leader.ts <settings as JSON>`. Nothing is
// looked at but what an acknowledgement needs; no log, no Raft, no proxy.

export interface CommitLeaderSettings {
  readonly directory: string;
  readonly followerPorts: readonly number[];
  readonly server: { readonly port: number; readonly user: string; readonly password: string };
  /** It listens there as soon as it receives the binlog. */
  readonly readyPort: number;
}

const settingsSchema: z.ZodType<CommitLeaderSettings> = z.strictObject({
  directory: z.string(),
  followerPorts: z.array(z.int()),
  server: z.strictObject({ port: z.int(), user: z.string(), password: z.string() }),
  readyPort: z.int(),
});

const serverId = 1000;
const heartbeatPeriodMs = 1000;
const loginTimeoutMs = 10_000;
/** Rows of a benchmark are small. */
const eventBytesMax = 1024 * 1024;
/** Of a packet, before the event: a status and the header of semi-sync. */
const headBytes = 1 + semisyncHeaderBytes;

async function main(): Promise<void> {
  const settings = settingsSchema.parse(JSON.parse(process.argv[2] ?? ''));
  const { port, user, password } = settings.server;
  const dump = await DumpClient.open({
    endpoint: { kind: 'tcp', host: '127.0.0.1', port },
    account: { user, password },
    serverId,
    replicaUuid: randomUUID(),
    heartbeatPeriodMs,
    isSemisync: true,
    loginTimeoutMs,
    clock: new SystemClock(),
  });
  const quorum = await ByteQuorum.connect(
    settings.followerPorts,
    join(settings.directory, 'bytes'),
  );
  const packets = new PacketCollector({ payloadBytesMax: eventBytesMax });
  let file = '';
  dump.start(GtidSet.parse(await dump.executedGtids()).encode(), {
    onPieces(pieces) {
      // What came in one read travels in one piece.
      const synced = quorum.append(Buffer.concat(pieces.map(({ bytes }) => bytes)));
      for (const piece of pieces) {
        const packet = packets.add(piece)?.payload;
        if (packet === undefined) continue;
        const { type, logPos } = decodeEventHeader(packet, headBytes);
        if (type === EventType.rotate) file = fileOf(packet.subarray(headBytes)) ?? file;
        if (decodeSemisyncHeader(packet[1] ?? 0, packet[2] ?? 0) !== true) continue;
        const position = { file, offset: BigInt(logPos) };
        void synced.then(() => dump.sendAck(position));
      }
    },
    onEnd(error) {
      throw error ?? new Error('the dump ended');
    },
  });
  const ready = createServer((client) => client.destroy()).listen(settings.readyPort, '127.0.0.1');
  await once(ready, 'listening');
}

function fileOf(event: Uint8Array): string | null {
  const { body } = decodeEvent(event);
  return body.kind === 'rotate' ? body.next.file : null;
}

await main();
