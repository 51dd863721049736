import { expect, test } from 'vitest';
import { concatBytes, utf8 } from '../../../base/bytes.ts';
import { Capability, CommandCode, ServerStatus } from '../../../mysql-bridge/protocol/constants.ts';
import { readGreeting, readGreetingAnswer } from '../../../mysql-bridge/protocol/handshake.ts';
import { encodePacket } from '../../../mysql-bridge/protocol/packet-writer.ts';
import { SessionUnderTest } from './session-under-test.ts';
import { answer, classic, command, greeting, modern, query, Response } from './wire.ts';

const insert = query('INSERT INTO t VALUES (1)');
const ok = new Response(modern).ok().bytes;

test('the log-in passes, without TLS, compression, and results without columns', () => {
  const session = new SessionUnderTest();
  const hidden = Capability.ssl | Capability.compress | Capability.optionalResultSetMetadata;

  session.server(greeting(modern | hidden));
  const offered = readGreeting(session.toClient.subarray(4));
  session.forget();
  session.client(answer(modern | Capability.optionalResultSetMetadata));
  const answered = readGreetingAnswer(session.toServer.subarray(4));

  expect(offered.capabilities).toBe(modern);
  expect(offered.nonce).toEqual(new Uint8Array(20).fill(7));
  expect(answered).toMatchObject({
    kind: 'response',
    response: { capabilities: modern, user: 'app' },
  });
  expect(session.machine.connectionId).toBe(42);
  expect(session.machine.user).toBe('app');
});

test('an authentication exchange passes in both directions, up to OK', () => {
  const session = new SessionUnderTest();
  session.server(greeting());
  session.client(answer());
  session.forget();
  const fullLogin = encodePacket(new Uint8Array([1, 4]), 2);
  const askKey = encodePacket(new Uint8Array([2]), 3);

  session.server(fullLogin);
  session.client(askKey);
  session.server(new Response(modern, 4).ok().bytes);

  expect(session.toServer).toEqual(askKey);
  expect(session.toClient).toEqual(concatBytes([fullLogin, new Response(modern, 4).ok().bytes]));
  expect(session.machine.isLoggedIn).toBe(true);
  expect(session.machine.phase).toBe('idle');
});

test('a refused log-in is passed byte for byte and ends the session (S5)', () => {
  const session = new SessionUnderTest();
  session.server(greeting());
  session.client(answer());
  session.forget();
  const refusal = new Response(modern, 2).err(1045).bytes;

  session.server(refusal);

  expect(session.toClient).toEqual(refusal);
  expect(session.kinds).toEqual(['turn-ended', 'close']);
});

test('what is no log-in is refused before anything is kept (S1, S6)', () => {
  const refusals: readonly [Uint8Array, string][] = [
    [encodePacket(new Uint8Array(70_000), 1), 'PROXY_PACKET_TOO_LARGE'],
    [new Uint8Array([0xff, 0xff, 0xff, 1, 0]), 'PROXY_PACKET_TOO_LARGE'],
    [encodePacket(new Uint8Array([1, 2, 3]), 1), 'PROXY_PACKET_MALFORMED'],
    [encodePacket(new Uint8Array(0), 1), 'PROXY_PACKET_MALFORMED'],
    [answer(modern, 'binraft'), 'PROXY_ACCESS_DENIED'],
    [answer(modern | Capability.ssl).subarray(0, 4 + 32), 'PROXY_TLS_NOT_OFFERED'],
  ];
  for (const [bytes, code] of refusals) {
    const session = new SessionUnderTest();
    session.server(greeting());
    const whole = bytes.slice();
    if (code === 'PROXY_TLS_NOT_OFFERED') whole.set([32, 0, 0], 0);
    session.client(whole);
    expect(session.error).toEqual({ code, sequence: 2 });
    expect(session.toServer).toHaveLength(0);
    expect(session.machine.phase).toBe('ended');
  }
});

test('an ERR in place of the greeting is passed and ends the session', () => {
  const session = new SessionUnderTest();
  const tooMany = new Response(modern, 0).err(1040).bytes;
  session.server(tooMany);
  expect(session.toClient).toEqual(tooMany);
  expect(session.kinds).toEqual(['close']);
});

test('a command goes to the server at once, its response waits for leadership (C8, H15)', () => {
  const session = SessionUnderTest.loggedIn();
  session.gate.mayLeave = false;

  session.client(insert);
  session.server(ok);

  expect(session.toServer).toEqual(insert);
  expect(session.toClient).toHaveLength(0);
  expect(session.kinds).toEqual(['turn-started', 'held']);

  session.confirm();
  expect(session.toClient).toEqual(ok);
  expect(session.kinds).toEqual(['turn-started', 'held', 'turn-ended']);
});

test('the log-in waits for leadership too: a deposed server may not know the newest account', () => {
  const session = new SessionUnderTest();
  session.server(greeting());
  session.gate.mayLeave = false;
  session.client(answer());
  session.forget();
  session.server(new Response(modern, 2).err(1045).bytes);
  expect(session.toClient).toHaveLength(0);
});

test('a response that has begun to leave goes on leaving', () => {
  const session = SessionUnderTest.loggedIn();
  const { bytes } = new Response(modern).columns(1).rows(['a', 'b']).end();
  session.client(query('SELECT a FROM t'));
  session.server(bytes.subarray(0, 9));
  session.gate.mayLeave = false;
  session.server(bytes.subarray(9));
  expect(session.toClient).toEqual(bytes);
});

test('what arrives after a held part leaves behind it', () => {
  const session = SessionUnderTest.loggedIn();
  const { bytes } = new Response(modern).columns(1).rows(['a', 'b']).end();
  session.gate.mayLeave = false;
  session.client(query('SELECT a FROM t'));
  session.server(bytes.subarray(0, 9));
  session.gate.mayLeave = true;
  session.server(bytes.subarray(9));
  expect(session.toClient).toEqual(bytes);
});

test('a held response does not fill the memory: the server is not read any more', () => {
  const session = SessionUnderTest.loggedIn();
  session.gate.mayLeave = false;
  session.client(query('SELECT a FROM t'));
  session.server(new Response(modern).columns(1).rows(['x'.repeat(2000)]).bytes);
  expect(session.orders.at(-1)).toEqual({ kind: 'read-server', on: false });
  session.confirm();
  expect(session.orders.at(-1)).toEqual({ kind: 'read-server', on: true });
});

test('one command at a time is with the server; what a client sends ahead waits', () => {
  const session = SessionUnderTest.loggedIn();
  const second = query('SELECT 2');

  session.client(concatBytes([insert, second, command(CommandCode.quit)]));
  expect(session.toServer).toEqual(insert);

  session.server(ok);
  expect(session.toServer).toEqual(concatBytes([insert, second]));
  session.server(ok);
  expect(session.toServer).toEqual(concatBytes([insert, second, command(CommandCode.quit)]));
  expect(session.machine.phase).toBe('quit');
});

test('a client that sends far ahead is not read any more, until it is its turn', () => {
  const session = SessionUnderTest.loggedIn();
  session.client(insert);
  session.client(query('x'.repeat(2000)));
  expect(session.orders.at(-1)).toEqual({ kind: 'read-client', on: false });
  session.server(ok);
  expect(session.orders.at(-1)).toEqual({ kind: 'read-client', on: true });
});

test('commands without a response do not wait for one', () => {
  const session = SessionUnderTest.loggedIn();
  const bytes = concatBytes([
    command(CommandCode.stmtSendLongData, new Uint8Array(500)),
    command(CommandCode.stmtClose, new Uint8Array(4)),
    query('SELECT 1'),
  ]);
  session.client(bytes);
  expect(session.toServer).toEqual(bytes);
});

test('commands of replication and operation are refused, and the session goes on (H2, H11)', () => {
  const refused = [
    CommandCode.binlogDump,
    CommandCode.binlogDumpGtid,
    CommandCode.registerReplica,
    CommandCode.shutdown,
    CommandCode.clone,
  ];
  for (const code of refused) {
    const session = SessionUnderTest.loggedIn();
    session.client(command(code, new Uint8Array(100)));
    expect(session.toServer).toHaveLength(0);
    expect(session.error).toEqual({ code: 'PROXY_COMMAND_REFUSED', sequence: 1 });
    session.client(insert);
    expect(session.toServer).toEqual(insert);
  }
});

test('a statement that begins with XA is refused, however it is cut, and the session goes on (H8)', () => {
  const bytes = command(CommandCode.query, utf8("/* tidy */ xa start 'x'"));
  for (const cut of [1, 4, 5, 8, 17, bytes.length]) {
    const session = SessionUnderTest.loggedIn();
    session.client(bytes.subarray(0, cut));
    session.client(bytes.subarray(cut));
    expect(session.toServer).toHaveLength(0);
    expect(session.error).toEqual({ code: 'PROXY_XA_REFUSED', sequence: 1 });
    session.client(insert);
    expect(session.toServer).toEqual(insert);
  }
});

test('an unknown command and an empty packet are refused as the server would', () => {
  for (const bytes of [command(0x77), encodePacket(new Uint8Array(0), 0)]) {
    const session = SessionUnderTest.loggedIn();
    session.client(bytes);
    expect(session.error).toEqual({ code: 'PROXY_COMMAND_UNKNOWN', sequence: 1 });
    expect(session.machine.phase).toBe('idle');
  }
});

test('a local file passes up to its empty packet, then the answer', () => {
  const session = SessionUnderTest.loggedIn();
  const request = new Response(modern).raw(new Uint8Array([0xfb, 0x61])).bytes;
  const file = concatBytes([
    encodePacket(new Uint8Array(3000), 2),
    encodePacket(new Uint8Array(0), 3),
  ]);
  const done = new Response(modern, 4).ok().bytes;

  session.client(query('LOAD DATA LOCAL …'));
  session.forget();
  session.server(request);
  for (const byte of file) session.client(new Uint8Array([byte]));
  session.server(done);

  expect(session.toServer).toEqual(file);
  expect(session.toClient).toEqual(concatBytes([request, done]));
  expect(session.machine.phase).toBe('idle');
});

test('a file that the client did not offer is never asked for', () => {
  const session = SessionUnderTest.loggedIn(modern & ~Capability.localFiles);
  session.client(query('SELECT 1'));
  session.server(new Response(modern).raw(new Uint8Array([0xfb, 0x61])).bytes);
  expect(session.toClient).toHaveLength(0);
  expect(session.kinds.at(-1)).toBe('abort');
});

test('a change of user is an exchange; a command sent ahead waits for its end', () => {
  const session = SessionUnderTest.loggedIn();
  const change = command(CommandCode.changeUser, 'other\0\0\0\x21\0');
  const ahead = query('SELECT 1');
  const proof = encodePacket(new Uint8Array(32), 2);

  session.client(change);
  session.server(encodePacket(new Uint8Array([0xfe, 0x61, 0]), 1));
  session.client(proof);
  session.client(ahead);
  expect(session.toServer).toEqual(concatBytes([change, proof]));
  session.server(new Response(modern, 3).ok().bytes);

  expect(session.toServer).toEqual(concatBytes([change, proof, ahead]));
  expect(session.machine.user).toBe('other');
});

test('nobody becomes a reserved account by a change of user', () => {
  const session = SessionUnderTest.loggedIn();
  session.client(command(CommandCode.changeUser, 'binraft\0\0\0\x21\0'));
  expect(session.toServer).toHaveLength(0);
  expect(session.error?.code).toBe('PROXY_ACCESS_DENIED');
  expect(session.machine.phase).toBe('ended');
});

test('statements outside a transaction are held, those inside one pass', () => {
  const session = SessionUnderTest.loggedIn();
  session.client(query('BEGIN'));
  session.gate.isHolding = true;
  session.server(new Response(modern).ok(ServerStatus.inTransaction).bytes);
  session.forget();

  session.client(insert);
  expect(session.toServer).toEqual(insert);
  session.server(new Response(modern).ok(ServerStatus.inTransaction).bytes);
  session.client(query('COMMIT'));
  session.server(ok);
  session.forget();

  session.client(insert);
  expect(session.toServer).toHaveLength(0);
  expect(session.machine.isBusy).toBe(false);
  session.gate.isHolding = false;
  session.step({ kind: 'hold-ended' });
  expect(session.toServer).toEqual(insert);
});

test('a statement held when the session moves was not executed', () => {
  const session = SessionUnderTest.loggedIn();
  session.gate.isHolding = true;
  session.client(insert);
  session.step({ kind: 'end', cause: 'moved' });
  expect(session.error).toEqual({ code: 'PROXY_NOT_EXECUTED', sequence: 1 });
});

test('a session that ends is told what became of its last statement (C9, H16)', () => {
  const inTransaction = new Response(modern).ok(ServerStatus.inTransaction).bytes;
  const begin = (session: SessionUnderTest): void => {
    session.client(query('BEGIN'));
    session.server(inTransaction);
  };
  const cases: readonly [string, (session: SessionUnderTest) => void, string, number][] = [
    ['idle', () => {}, 'PROXY_SESSION_MOVED', 0],
    ['in flight', (s) => s.client(insert), 'PROXY_OUTCOME_UNKNOWN', 1],
    ['half sent', (s) => s.client(insert.subarray(0, 10)), 'PROXY_NOT_EXECUTED', 1],
    ['reading only', (s) => s.client(command(CommandCode.ping)), 'PROXY_SESSION_MOVED', 1],
    ['a transaction, idle', begin, 'PROXY_TRANSACTION_ROLLED_BACK', 0],
    [
      'a transaction, in flight',
      (s) => {
        begin(s);
        s.client(query('COMMIT'));
      },
      'PROXY_OUTCOME_UNKNOWN',
      1,
    ],
    [
      'answered, held',
      (s) => {
        s.gate.mayLeave = false;
        s.client(insert);
        s.server(ok);
      },
      'PROXY_OUTCOME_UNKNOWN',
      1,
    ],
    [
      'between rows',
      (s) => {
        s.client(query('SELECT f()'));
        s.server(new Response(modern).columns(1).rows(['a']).bytes);
      },
      'PROXY_OUTCOME_UNKNOWN',
      4,
    ],
  ];
  for (const [name, prepare, code, sequence] of cases) {
    const session = SessionUnderTest.loggedIn();
    prepare(session);
    session.orders.length = 0;
    session.step({ kind: 'end', cause: 'moved' });
    expect(session.error, name).toEqual({ code, sequence });
    expect(session.kinds.at(-1), name).toBe('close');
  }
});

test('a read-only session leaves nothing unknown', () => {
  const session = SessionUnderTest.loggedIn(modern, { access: 'read-only' });
  session.client(query('SELECT 1'));
  session.step({ kind: 'server-lost' });
  expect(session.error).toEqual({ code: 'PROXY_SESSION_LOST', sequence: 1 });
});

test('an end in the middle of a packet that the client has begun to read destroys the session', () => {
  const session = SessionUnderTest.loggedIn();
  session.client(query('SELECT a FROM t'));
  session.server(new Response(modern).columns(1).rows(['abc']).bytes.subarray(0, -1));
  session.orders.length = 0;
  session.step({ kind: 'server-lost' });
  expect(session.kinds).toEqual(['abort']);
});

test('an answer that is whole when the server closes still waits for leave, and goes out', () => {
  const session = SessionUnderTest.loggedIn();
  const killed = new Response(modern).err(1317).bytes;
  session.gate.mayLeave = false;
  session.client(query('KILL CONNECTION_ID()'));
  session.server(killed);
  session.step({ kind: 'server-lost' });
  expect(session.toClient).toHaveLength(0);
  session.confirm();
  expect(session.toClient).toEqual(killed);
  expect(session.kinds.at(-1)).toBe('close');
});

test('a farewell of the server is passed, and the session ends with nothing added', () => {
  const session = SessionUnderTest.loggedIn();
  const farewell = new Response(modern, 0).err(4031).bytes;
  session.server(farewell);
  session.step({ kind: 'server-lost' });
  expect(session.toClient).toEqual(farewell);
  expect(session.kinds).toEqual(['close']);
});

test('after a quit both sides close without a word', () => {
  const session = SessionUnderTest.loggedIn();
  session.client(command(CommandCode.quit));
  session.step({ kind: 'server-lost' });
  expect(session.kinds).toEqual(['close']);
});

test('a client of the old kind, with EOFs, is served as well', () => {
  const session = SessionUnderTest.loggedIn(classic);
  const { bytes } = new Response(classic).columns(2).rows(['a', 'b']).end();
  session.client(query('SELECT a FROM t'));
  session.server(bytes);
  expect(session.toClient).toEqual(bytes);
  expect(session.machine.phase).toBe('idle');
});

test('a server may answer before it has read the whole command', () => {
  const session = SessionUnderTest.loggedIn();
  const tooLarge = new Response(modern).err(1153).bytes;
  session.client(insert.subarray(0, 10));
  session.server(tooLarge);
  expect(session.machine.phase).toBe('turn');
  session.client(insert.subarray(10));
  expect(session.toClient).toEqual(tooLarge);
  expect(session.machine.phase).toBe('idle');
});
