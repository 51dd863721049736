import { describe, expect, test } from 'vitest';
import { SystemClock } from '../../base/clock.ts';
import { deferred } from '../../base/deferred.ts';
import { DumpClient, type DumpOptions } from '../../mysql-bridge/dump-client.ts';
import { textColumn } from '../../mysql-bridge/protocol/column-definition.ts';
import { readCommand } from '../../mysql-bridge/protocol/commands.ts';
import { writeEof } from '../../mysql-bridge/protocol/eof-packet.ts';
import { MalformedPacketError } from '../../mysql-bridge/protocol/errors.ts';
import { PacketCollector } from '../../mysql-bridge/protocol/packet-framer.ts';
import type { PacketPiece } from '../../mysql-bridge/protocol/packet-piece.ts';
import { encodePacket } from '../../mysql-bridge/protocol/packet-writer.ts';
import { writeTextResultSet } from '../../mysql-bridge/protocol/result-set.ts';
import {
  errPayload,
  okPayload,
  type Peer,
  type ScriptedServer,
  serverCapabilities,
  startScriptedServer,
} from './scripted-server.ts';

const replicaUuid = 'aaaaaaaa-0000-0000-0000-000000000001';
/** An encoded GTID set of nothing. */
const nothing = new Uint8Array(8);

function optionsFor(server: ScriptedServer): DumpOptions {
  return {
    endpoint: { kind: 'tcp', host: '127.0.0.1', port: server.port },
    account: { user: 'binraft', password: 'secret' },
    serverId: 258,
    replicaUuid,
    heartbeatPeriodMs: 1500,
    isSemisync: true,
    loginTimeoutMs: 60_000,
    clock: new SystemClock(),
  };
}

/** The server's side up to the dump; returns the two packets that said who asks for it. */
async function letRegister(peer: Peer): Promise<{ sql: string; registration: Uint8Array }> {
  await peer.letIn();
  const command = readCommand((await peer.next()).payload, serverCapabilities);
  peer.send(okPayload, 1);
  const { payload } = await peer.next();
  peer.send(okPayload, 1);
  return { sql: command.kind === 'query' ? command.sql : '', registration: payload };
}

/** Keeps what a dump tells, its packets joined; `ended` settles with how it ended. */
class Receiver {
  readonly packets: Uint8Array[] = [];
  readonly ended = deferred<Error | null>();
  ends = 0;
  bytes = 0;
  readonly #collector = new PacketCollector({ payloadBytesMax: 1024 * 1024 });
  readonly #afterPieces: () => void;

  constructor(afterPieces: () => void = () => undefined) {
    this.#afterPieces = afterPieces;
  }

  onPieces(pieces: readonly PacketPiece[]): void {
    for (const piece of pieces) {
      this.bytes += piece.bytes.length;
      const packet = this.#collector.add(piece);
      if (packet !== null) this.packets.push(new Uint8Array(packet.payload));
    }
    this.#afterPieces();
  }

  onEnd(error: Error | null): void {
    this.ends += 1;
    this.ended.resolve(error);
  }
}

/** What a dump tells when the server sends these wire bytes once it was asked, and how it ends. */
async function received(wire: readonly Uint8Array[]): Promise<Receiver> {
  await using server = await startScriptedServer(async (peer) => {
    await letRegister(peer);
    await peer.next();
    peer.socket.end(Buffer.concat(wire));
  });
  await using client = await DumpClient.open(optionsFor(server));
  const receiver = new Receiver();
  client.start(nothing, receiver);
  await receiver.ended.promise;
  return receiver;
}

function eventPacket(fill: number, length: number): Uint8Array {
  const payload = new Uint8Array(length).fill(fill);
  payload[0] = 0;
  return payload;
}

test('a dump says who asks, for what, and with which acks, in the words of old and new servers', async () => {
  await using server = await startScriptedServer(async (peer) => {
    const { sql, registration } = await letRegister(peer);
    expect(sql).toContain(`@replica_uuid = '${replicaUuid}'`);
    expect(sql).toContain(`@slave_uuid = '${replicaUuid}'`);
    expect(sql).toContain('@rpl_semi_sync_replica = 1');
    expect(sql).toContain('@source_heartbeat_period = 1500000000');
    expect(sql).toContain("@source_binlog_checksum = 'CRC32'");
    expect(Buffer.from(registration).toString('hex')).toBe(
      ['15', '02010000', '00', '00', '00', '0000', '00000000', '00000000'].join(''),
    );
    const { payload, sequence } = await peer.next();
    expect(sequence).toBe(0);
    expect(readCommand(payload, serverCapabilities)).toMatchObject({
      kind: 'binlog-dump-gtid',
      flags: 2,
      serverId: 258,
      file: '',
      offset: 4n,
    });
  });
  await using client = await DumpClient.open(optionsFor(server));

  client.start(nothing, new Receiver());

  await server.played;
});

test('acks are the known bytes, each in a packet numbered 0', async () => {
  await using server = await startScriptedServer(async (peer) => {
    await letRegister(peer);
    await peer.next();
    const acks = [await peer.next(), await peer.next()];
    const name = Buffer.from('binlog.000003').toString('hex');
    expect(acks.map(({ payload }) => Buffer.from(payload).toString('hex'))).toEqual([
      `effa02000000000000${name}`,
      `ef0000000001000000${name}`,
    ]);
    expect(acks.map(({ sequence }) => sequence)).toEqual([0, 0]);
  });
  await using client = await DumpClient.open(optionsFor(server));
  client.start(nothing, new Receiver());

  client.sendAck({ file: 'binlog.000003', offset: 762n });
  client.sendAck({ file: 'binlog.000003', offset: 1n << 32n });

  await server.played;
});

test('an ack behind the end of the dump is dropped', async () => {
  await using server = await startScriptedServer(async (peer) => {
    await letRegister(peer);
    await peer.next();
    peer.socket.destroy();
  });
  await using client = await DumpClient.open(optionsFor(server));
  const receiver = new Receiver();
  client.start(nothing, receiver);
  await receiver.ended.promise;

  client.sendAck({ file: 'binlog.000003', offset: 762n });

  expect(receiver.ends).toBe(1);
});

test('what the server has executed is asked for before the dump', async () => {
  const set = `${replicaUuid}:1-5`;
  await using server = await startScriptedServer(async (peer) => {
    await letRegister(peer);
    for (const rows of [[[set]], []]) {
      await peer.next();
      const table = { columns: [textColumn('@@GLOBAL.gtid_executed')], rows };
      for (const [index, payload] of writeTextResultSet(table, serverCapabilities).entries()) {
        peer.send(payload, index + 1);
      }
    }
  });
  await using client = await DumpClient.open(optionsFor(server));

  expect(await client.executedGtids()).toBe(set);
  await expect(client.executedGtids()).rejects.toMatchObject({ code: 'MYSQL_PACKET_MALFORMED' });
});

test('an account that may not replicate is told so, and its connection closed', async () => {
  await using server = await startScriptedServer(async (peer) => {
    await peer.letIn();
    await peer.next();
    peer.send(okPayload, 1);
    await peer.next();
    peer.send(errPayload(1227), 1);
    await peer.closed;
  });

  await expect(DumpClient.open(optionsFor(server))).rejects.toMatchObject({
    code: 'MYSQL_SERVER_ERROR',
    serverErrorNumber: 1227,
  });

  await server.played;
});

describe('a dump ends', () => {
  const events = [eventPacket(1, 40), eventPacket(2, 3000)];
  const wire = events.map((event, index) => encodePacket(event, index + 1));

  test.each<[string, Uint8Array[], object]>([
    ['by an ERR', [encodePacket(errPayload(1236), 3)], { code: 'MYSQL_SERVER_ERROR' }],
    [
      'by an EOF',
      [encodePacket(writeEof({ warnings: 0, status: 2 }), 3)],
      { code: 'MYSQL_CONNECTION_LOST', message: 'the dump ended' },
    ],
    ['where the server closes', [], { code: 'MYSQL_CONNECTION_LOST' }],
    [
      'inside an event',
      [encodePacket(eventPacket(3, 50), 3).subarray(0, 20)],
      { code: 'MYSQL_CONNECTION_LOST' },
    ],
    [
      'inside an ERR',
      [encodePacket(errPayload(1236), 3).subarray(0, 9)],
      { code: 'MYSQL_CONNECTION_LOST' },
    ],
    [
      'by a packet of no kind',
      [encodePacket(Uint8Array.of(0x42), 3)],
      { code: 'MYSQL_PACKET_MALFORMED' },
    ],
    ['by an empty packet', [Uint8Array.of(0, 0, 0, 3)], { code: 'MYSQL_PACKET_MALFORMED' }],
    [
      'by an ERR above the maximum',
      [encodePacket(new Uint8Array(70_000).fill(0xff), 3)],
      { code: 'MYSQL_PACKET_TOO_LARGE' },
    ],
  ])('%s, behind every whole event, and says so once', async (_, last, expected) => {
    const receiver = await received([...wire, ...last]);

    expect(await receiver.ended.promise).toMatchObject(expected);
    expect(receiver.packets).toEqual(events);
    expect(receiver.ends).toBe(1);
  });

  test('with the error of its listener', async () => {
    const error = new MalformedPacketError('as the listener says');
    await using server = await startScriptedServer(async (peer) => {
      await letRegister(peer);
      await peer.next();
      peer.socket.write(Buffer.concat(wire));
      await peer.closed;
    });
    await using client = await DumpClient.open(optionsFor(server));
    const receiver = new Receiver(() => {
      throw error;
    });

    client.start(nothing, receiver);

    expect(await receiver.ended.promise).toBe(error);
    await server.played;
  });

  test('without an error when this side closes it', async () => {
    await using server = await startScriptedServer(async (peer) => {
      await letRegister(peer);
      await peer.closed;
    });
    const client = await DumpClient.open(optionsFor(server));
    const receiver = new Receiver();
    client.start(nothing, receiver);

    await client.close();

    expect(await receiver.ended.promise).toBeNull();
    await server.played;
  });
});

test('a dump that is paused again and again holds the server back and delivers everything in order', async () => {
  const events = Array.from({ length: 256 }, (_, index) => eventPacket(index, 64 * 1024));
  const asked = deferred<Peer>();
  await using server = await startScriptedServer(async (peer) => {
    await letRegister(peer);
    await peer.next();
    for (const [index, event] of events.entries()) peer.send(event, (index + 1) & 0xff);
    asked.resolve(peer);
  });
  await using client = await DumpClient.open(optionsFor(server));
  const all = deferred();
  const receiver = new Receiver(() => {
    client.pause();
    setImmediate(() => client.resume());
    if (receiver.packets.length === events.length) all.resolve();
  });

  client.pause();
  client.start(nothing, receiver);
  const { socket } = await asked.promise;

  expect(client.isPaused).toBe(true);
  expect(receiver.bytes).toBe(0);
  expect(socket.writableNeedDrain).toBe(true);
  client.resume();
  await all.promise;
  expect(
    receiver.packets.every(
      (packet, index) => Buffer.compare(packet, events[index] ?? packet) === 0,
    ),
  ).toBe(true);
});
