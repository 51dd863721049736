import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { utf8 } from '../../../base/bytes.ts';
import {
  fastAuthProof,
  passwordDigest,
  type Sha256,
} from '../../../mysql-bridge/protocol/auth/caching-sha2-password.ts';
import { readAuthSwitchRequest } from '../../../mysql-bridge/protocol/auth-packets.ts';
import { type Command, writeCommand } from '../../../mysql-bridge/protocol/commands.ts';
import { Capability } from '../../../mysql-bridge/protocol/constants.ts';
import { isErr, readErr } from '../../../mysql-bridge/protocol/err-packet.ts';
import {
  type HandshakeResponse,
  writeHandshakeResponse,
} from '../../../mysql-bridge/protocol/handshake.ts';
import { isOk } from '../../../mysql-bridge/protocol/ok-packet.ts';
import { type SourceEffect, SourceSession } from '../../../mysql-bridge/source/source-session.ts';

const sha256: Sha256 = (parts) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};
const nonce = new Uint8Array(20).fill(0x41);
const account = { user: 'follower', password: 'secret' };
const capabilities =
  Capability.protocol41 |
  Capability.secureConnection |
  Capability.pluginAuth |
  Capability.pluginAuthLengthEncoded;

function newSession(): SourceSession {
  return new SourceSession({
    accounts: [{ user: account.user, passwordDigest: passwordDigest(account.password, sha256) }],
    connectionId: 1,
    nonce,
    version: '9.7.4',
    sha256,
    systemVariable: (name) => (name === 'server_id' ? '900' : null),
  });
}

function response(fields: Partial<HandshakeResponse> = {}): Uint8Array {
  return writeHandshakeResponse({
    capabilities,
    packetBytesMax: 1 << 24,
    characterSet: 45,
    user: account.user,
    authResponse: fastAuthProof(account.password, nonce, sha256),
    database: null,
    authPlugin: 'caching_sha2_password',
    attributes: [],
    ...fields,
  });
}

function loggedIn(): SourceSession {
  const session = newSession();
  session.receive({ payload: response(), sequence: 1 }, 0);
  return session;
}

function ask(session: SourceSession, command: Command): readonly SourceEffect[] {
  return session.receive({ payload: writeCommand(command, 0), sequence: 0 }, 0);
}

/** `ok`, `err 1045`, `more`, …: the shape of what is sent, and what else is ordered. */
function summary(effects: readonly SourceEffect[]): string[] {
  return effects.flatMap((effect) => {
    if (effect.kind !== 'send') return [effect.kind];
    return effect.payloads.map((payload, at) => {
      const sequence = effect.sequence + at;
      if (isErr(payload)) return `${sequence} err ${readErr(payload).number}`;
      return `${sequence} ${isOk(payload) ? 'ok' : `header ${payload[0]}`}`;
    });
  });
}

test('a client that proves the password is in, the fast way', () => {
  const effects = newSession().receive({ payload: response(), sequence: 1 }, 0);

  expect(summary(effects)).toEqual(['2 header 1', '3 ok', 'logged-in']);
});

test('a client with another default plug-in is switched, then checked', () => {
  const session = newSession();
  const authPlugin = 'mysql_native_password';
  const [effect] = session.receive(
    { payload: response({ authPlugin, authResponse: new Uint8Array(20) }), sequence: 1 },
    0,
  );

  expect(effect?.kind).toBe('send');
  if (effect?.kind !== 'send') return;
  const request = readAuthSwitchRequest(effect.payloads[0] ?? new Uint8Array(0));
  expect(request.plugin).toBe('caching_sha2_password');
  const proof = fastAuthProof(account.password, request.initialBytes.subarray(0, 20), sha256);
  const answer = session.receive({ payload: proof, sequence: 3 }, 0);
  expect(summary(answer)).toEqual(['4 header 1', '5 ok', 'logged-in']);
});

test.each([
  ['a wrong password', { authResponse: fastAuthProof('wrong', nonce, sha256) }],
  ['no password', { authResponse: new Uint8Array(0) }],
  ['a request for the public key', { authResponse: Uint8Array.of(2) }],
  ['an unknown user', { user: 'nobody' }],
])('%s is denied', (_name, fields) => {
  const effects = newSession().receive({ payload: response(fields), sequence: 1 }, 0);

  expect(summary(effects)).toEqual(['2 err 1045', 'close']);
});

test('a request for TLS is refused by name', () => {
  const payload = new Uint8Array(32);
  new DataView(payload.buffer).setUint32(0, capabilities | Capability.ssl, true);

  const effects = newSession().receive({ payload, sequence: 1 }, 0);

  expect(summary(effects)).toEqual(['2 err 1043', 'close']);
});

test('nothing is served before the log-in', () => {
  const effects = newSession().receive(
    { payload: writeCommand({ kind: 'query', sql: 'SELECT 1' }, 0), sequence: 0 },
    0,
  );

  expect(summary(effects)).toEqual(['1 err 1835', 'close']);
});

test('a replica is taken from its questions to its dump', () => {
  const session = loggedIn();
  const set = "SET @source_heartbeat_period= 2000000000, @replica_uuid='uuid-of-replica'";
  const register: Command = {
    kind: 'register-replica',
    serverId: 7,
    host: '',
    user: '',
    password: '',
    port: 0,
  };
  const dump: Command = {
    kind: 'binlog-dump-gtid',
    flags: 4,
    serverId: 7,
    file: '',
    offset: 4n,
    exclude: new Uint8Array(8),
  };

  expect(summary(ask(session, { kind: 'query', sql: set }))).toEqual(['1 ok']);
  expect(summary(ask(session, register))).toEqual(['1 ok']);
  expect(ask(session, dump)).toEqual([
    {
      kind: 'start-dump',
      request: {
        flags: 4,
        serverId: 7,
        file: '',
        offset: 4n,
        exclude: new Uint8Array(8),
        sequence: 1,
        heartbeatPeriodNs: 2_000_000_000n,
        replicaUuid: 'uuid-of-replica',
      },
    },
  ]);
  expect(summary(ask(session, { kind: 'quit' }))).toEqual(['close']);
});

test('a dump by file and position is refused for good', () => {
  const dump: Command = { kind: 'binlog-dump', flags: 0, serverId: 7, file: 'f', offset: 4 };

  expect(summary(ask(loggedIn(), dump))).toEqual(['1 err 1236']);
});

test('other commands are refused and the session goes on', () => {
  const session = loggedIn();
  const prepare: Command = { kind: 'other', code: 0x16, payload: Uint8Array.of(0x16, 0x41) };

  expect(summary(ask(session, prepare))).toEqual(['1 err 1047']);
  expect(summary(ask(session, { kind: 'ping' }))).toEqual(['1 ok']);
  expect(summary(ask(session, { kind: 'quit' }))).toEqual(['close']);
});

test('variables are bounded', () => {
  const session = loggedIn();
  for (let at = 0; at < 200; at += 1) ask(session, { kind: 'query', sql: `SET @v${at} = ${at}` });

  const count = Array.from({ length: 200 }, (_, at) => {
    const [effect] = ask(session, { kind: 'query', sql: `SELECT @v${at}` });
    return effect?.kind === 'send' && effect.payloads.some((payload) => payload[0] === 0xfb);
  }).filter((isNull) => !isNull).length;

  expect(count).toBe(64);
});

test('no bytes at any stage make it throw (HAZARDS S1)', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.uint8Array({ maxLength: 80 }), fc.constant(utf8('\x03SELECT 1'))), {
        maxLength: 4,
      }),
      fc.boolean(),
      (payloads, isLoggedIn) => {
        const session = isLoggedIn ? loggedIn() : newSession();
        for (const payload of payloads) session.receive({ payload, sequence: 0 }, 0);
      },
    ),
  );
});
