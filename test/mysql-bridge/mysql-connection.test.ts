import { generateKeyPairSync, privateDecrypt } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { SystemClock } from '../../base/clock.ts';
import { deferred } from '../../base/deferred.ts';
import {
  MySqlConnection,
  type MySqlConnectionOptions,
} from '../../mysql-bridge/mysql-connection.ts';
import { unmaskPassword } from '../../mysql-bridge/protocol/auth/caching-sha2-password.ts';
import {
  writeAuthMoreData,
  writeAuthSwitchRequest,
} from '../../mysql-bridge/protocol/auth-packets.ts';
import { textColumn } from '../../mysql-bridge/protocol/column-definition.ts';
import { Capability } from '../../mysql-bridge/protocol/constants.ts';
import { readGreetingAnswer } from '../../mysql-bridge/protocol/handshake.ts';
import { encodePacket } from '../../mysql-bridge/protocol/packet-writer.ts';
import { writeTextResultSet } from '../../mysql-bridge/protocol/result-set.ts';
import { FakeClock } from '../support/fake-clock.ts';
import {
  errPayload,
  greetingPayload,
  okPayload,
  type Peer,
  type ScriptedServer,
  serverCapabilities,
  serverNonce,
  startScriptedServer,
} from './scripted-server.ts';

const account = { user: 'binraft', password: 'secret' };

function optionsFor(server: ScriptedServer): MySqlConnectionOptions {
  return {
    endpoint: { kind: 'tcp', host: '127.0.0.1', port: server.port },
    account,
    loginTimeoutMs: 5000,
    clock: new SystemClock(),
  };
}

/** What opening a connection to a server with this script rejects with. */
async function refusal(script: (peer: Peer) => Promise<void> | void): Promise<unknown> {
  await using server = await startScriptedServer(script);
  return await MySqlConnection.open(optionsFor(server)).then(
    () => null,
    (error) => error,
  );
}

/** Opens a connection whose log-in succeeds, and hands it over with the server's end of it. */
async function withConnection(
  script: (peer: Peer) => Promise<void>,
  body: (connection: MySqlConnection) => Promise<void>,
): Promise<void> {
  await using server = await startScriptedServer(async (peer) => {
    await peer.letIn();
    await script(peer);
  });
  await using connection = await MySqlConnection.open(optionsFor(server));
  await body(connection);
}

function lost(number?: number): object {
  const told = number === undefined ? {} : { serverErrorNumber: number };
  return { code: 'MYSQL_CONNECTION_LOST', retryable: true, ...told };
}

describe('a log-in', () => {
  test('that is good sends the known proof, and commands may follow until a polite end', async () => {
    await using server = await startScriptedServer(async (peer) => {
      const { payload, sequence } = await peer.letIn();
      const answer = readGreetingAnswer(payload);
      expect(sequence).toBe(1);
      expect(answer).toMatchObject({
        kind: 'response',
        response: { user: 'binraft', authPlugin: 'caching_sha2_password', database: null },
      });
      const proof = answer.kind === 'response' ? answer.response.authResponse : [];
      expect(Buffer.from(proof).toString('hex')).toBe(
        '746ebe205d56a0707acb3e796e834e0dd7b1d61743b26bd5202c7a623230c7c9',
      );
      expect([...(await peer.next()).payload]).toEqual([0x0e]);
      peer.send(okPayload, 1);
      expect([...(await peer.next()).payload]).toEqual([0x01]);
    });
    const connection = await MySqlConnection.open(optionsFor(server));

    expect([...(await connection.command({ kind: 'ping' }))]).toEqual([...okPayload]);
    await connection.close();

    await server.played;
  });

  test('that the server cannot check from memory sends the password under its public key', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
    await using server = await startScriptedServer(async (peer) => {
      peer.send(greetingPayload(), 0);
      await peer.next();
      peer.send(writeAuthMoreData(Uint8Array.of(4)), 2);
      expect([...(await peer.next()).payload]).toEqual([2]);
      peer.send(writeAuthMoreData(Buffer.from(publicKey)), 4);
      const { payload, sequence } = await peer.next();
      const masked = privateDecrypt({ key: privateKey }, payload);
      expect(unmaskPassword(masked, serverNonce)).toBe('secret');
      expect(sequence).toBe(5);
      peer.send(okPayload, 6);
    });

    await using _connection = await MySqlConnection.open(optionsFor(server));

    await server.played;
  });

  test('proves the password again under the nonce of a switch to the same plug-in', async () => {
    await using server = await startScriptedServer(async (peer) => {
      peer.send(greetingPayload(), 0);
      await peer.next();
      const initialBytes = Uint8Array.of(...new Uint8Array(20).fill(9), 0);
      peer.send(writeAuthSwitchRequest({ plugin: 'caching_sha2_password', initialBytes }), 2);
      const proof = await peer.next();
      expect(proof.payload).toHaveLength(32);
      expect(proof.sequence).toBe(3);
      peer.send(okPayload, 4);
    });

    await using _connection = await MySqlConnection.open(optionsFor(server));

    await server.played;
  });

  test.each([1040, 1053, 1135, 1203, 3032])(
    'refused with %d in place of the greeting may be tried again: the account is not at fault',
    async (number) => {
      expect(await refusal((peer) => peer.send(errPayload(number), 0))).toMatchObject(lost(number));
    },
  );

  test('refused as the server is full, only behind the log-in, may be tried again', async () => {
    const error = await refusal(async (peer) => {
      peer.send(greetingPayload(), 0);
      await peer.next();
      peer.send(writeAuthMoreData(Uint8Array.of(3)), 2);
      peer.send(errPayload(1040), 3);
    });

    expect(error).toMatchObject(lost(1040));
  });

  test.each([
    [1045, 'MYSQL_ACCESS_DENIED'],
    [3118, 'MYSQL_ACCESS_DENIED'],
    [1129, 'MYSQL_SERVER_ERROR'],
  ])('refused with %d is %s, and not tried again', async (number, code) => {
    const error = await refusal(async (peer) => {
      peer.send(greetingPayload(), 0);
      await peer.next();
      peer.send(errPayload(number), 2);
    });

    expect(error).toMatchObject({ code, retryable: false, serverErrorNumber: number });
  });

  test.each<[string, string, Uint8Array[]]>([
    ['a greeting that is none', 'MYSQL_PACKET_MALFORMED', [Buffer.from('SSH-2.0-OpenSSH')]],
    ['an empty greeting', 'MYSQL_PACKET_MALFORMED', [new Uint8Array()]],
    [
      'a server without plug-ins',
      'MYSQL_AUTH_UNSUPPORTED',
      [greetingPayload(serverCapabilities & ~Capability.pluginAuth)],
    ],
    [
      'a switch to another plug-in',
      'MYSQL_AUTH_UNSUPPORTED',
      [
        greetingPayload(),
        writeAuthSwitchRequest({ plugin: 'mysql_clear_password', initialBytes: new Uint8Array() }),
      ],
    ],
    [
      'a switch with half a nonce',
      'MYSQL_PACKET_MALFORMED',
      [
        greetingPayload(),
        writeAuthSwitchRequest({
          plugin: 'caching_sha2_password',
          initialBytes: new Uint8Array(10).fill(1),
        }),
      ],
    ],
    [
      'a public key that is none',
      'MYSQL_PACKET_MALFORMED',
      [greetingPayload(), writeAuthMoreData(Buffer.from('-----BEGIN'))],
    ],
    ['an answer of no kind', 'MYSQL_PACKET_MALFORMED', [greetingPayload(), Uint8Array.of(0x42)]],
    [
      'a server that asks on and on',
      'MYSQL_PACKET_MALFORMED',
      [greetingPayload(), ...Array.from({ length: 8 }, () => Uint8Array.of(1, 3))],
    ],
  ])('with %s is %s', async (_, code, payloads) => {
    const error = await refusal((peer) => {
      for (const [sequence, payload] of payloads.entries()) peer.send(payload, sequence);
    });

    expect(error).toMatchObject({ code, retryable: false });
  });

  test('with a packet that claims 16 MiB is given up when more of it came than an answer may have', async () => {
    const error = await refusal((peer) => {
      peer.socket.write(Uint8Array.of(0xff, 0xff, 0xff, 0));
      peer.socket.write(new Uint8Array(1024 * 1024 + 1));
    });

    expect(error).toMatchObject({ code: 'MYSQL_PACKET_TOO_LARGE' });
  });

  test('with a server that closes inside a packet, or at once, is lost', async () => {
    const greeting = encodePacket(greetingPayload(), 0);

    expect(await refusal((peer) => void peer.socket.end(greeting.subarray(0, 30)))).toMatchObject(
      lost(),
    );
    expect(await refusal((peer) => void peer.socket.end())).toMatchObject(lost());
  });

  test('to a port where nobody listens is lost', async () => {
    const server = await startScriptedServer(() => undefined);
    await server[Symbol.asyncDispose]();

    await expect(MySqlConnection.open(optionsFor(server))).rejects.toMatchObject(lost());
  });

  test('to a server that says nothing more is given up in time, and its socket closed', async () => {
    const clock = new FakeClock();
    await using server = await startScriptedServer(async (peer) => {
      peer.send(greetingPayload(), 0);
      await peer.next();
      clock.advance(5000);
      await peer.closed;
    });

    await expect(MySqlConnection.open({ ...optionsFor(server), clock })).rejects.toMatchObject({
      code: 'MYSQL_LOGIN_TIMEOUT',
      retryable: true,
    });

    await server.played;
  });
});

describe('a command', () => {
  const table = { columns: [textColumn('a')], rows: [['1'], [null]] };
  const answer = writeTextResultSet(table, serverCapabilities);

  async function sendAll(peer: Peer, payloads: readonly Uint8Array[]): Promise<void> {
    await peer.next();
    for (const [index, payload] of payloads.entries()) peer.send(payload, index + 1);
  }

  test('is answered by rows, and the next one by an error, on the same connection', async () => {
    await withConnection(
      async (peer) => {
        await sendAll(peer, answer);
        await sendAll(peer, [errPayload(1146)]);
        await sendAll(peer, [okPayload]);
      },
      async (connection) => {
        expect(await connection.query('SELECT 1')).toMatchObject({ kind: 'rows', ...table });
        await expect(connection.query('SELECT x')).rejects.toMatchObject({
          code: 'MYSQL_SERVER_ERROR',
          serverErrorNumber: 1146,
        });
        expect(await connection.query('SET @a = 1')).toMatchObject({ kind: 'ok' });
      },
    );
  });

  test('whose answer cannot be read ends the connection: nobody knows where the next one begins', async () => {
    await withConnection(
      async (peer) => {
        await sendAll(peer, [Uint8Array.of(1), Uint8Array.of(9)]);
        await peer.closed;
      },
      async (connection) => {
        const malformed = { code: 'MYSQL_PACKET_MALFORMED' };
        await expect(connection.query('SELECT 1')).rejects.toMatchObject(malformed);
        await expect(connection.query('SELECT 1')).rejects.toMatchObject(malformed);
        await connection.close();
      },
    );
  });

  test('whose server closes inside the answer is lost, and so is every one after it', async () => {
    await withConnection(
      async (peer) => {
        await peer.next();
        peer.socket.end(encodePacket(answer[0] ?? okPayload, 1).subarray(0, 4));
      },
      async (connection) => {
        await expect(connection.query('SELECT 1')).rejects.toMatchObject(lost());
        await expect(connection.command({ kind: 'ping' })).rejects.toMatchObject(lost());
      },
    );
  });

  test('with an answer above the maximum is given up', async () => {
    await withConnection(
      async (peer) => {
        await peer.next();
        peer.socket.write(Uint8Array.of(0xff, 0xff, 0xff, 1));
        peer.socket.write(new Uint8Array(1024 * 1024 + 1));
      },
      async (connection) => {
        await expect(connection.query('SELECT 1')).rejects.toMatchObject({
          code: 'MYSQL_PACKET_TOO_LARGE',
        });
      },
    );
  });

  test.each([
    ['an ERR, as of a server that stops', errPayload(1053), lost(1053)],
    ['anything else', okPayload, { code: 'MYSQL_PACKET_MALFORMED' }],
  ])('is not taken any more when the server said unasked %s', async (_, unasked, expected) => {
    await withConnection(
      async (peer) => {
        await peer.next();
        // In one write with the answer in front of it.
        peer.socket.write(Buffer.concat([encodePacket(okPayload, 1), encodePacket(unasked, 0)]));
        await peer.closed;
      },
      async (connection) => {
        await connection.command({ kind: 'ping' });
        const listener = { onPieces: () => undefined, onEnd: () => undefined };
        expect(() => connection.startStream({ kind: 'ping' }, listener)).toThrow(
          expect.objectContaining(expected),
        );
        await expect(connection.command({ kind: 'ping' })).rejects.toMatchObject(expected);
      },
    );
  });

  test('is not taken any more when the server said farewell while none ran', async () => {
    const answered = deferred();
    const closed = deferred();
    await withConnection(
      async (peer) => {
        await sendAll(peer, [okPayload]);
        await answered.promise;
        peer.send(errPayload(4031), 0);
        await peer.closed;
        closed.resolve();
      },
      async (connection) => {
        await connection.command({ kind: 'ping' });
        answered.resolve();
        await closed.promise;
        await expect(connection.command({ kind: 'ping' })).rejects.toMatchObject(lost(4031));
      },
    );
  });
});
