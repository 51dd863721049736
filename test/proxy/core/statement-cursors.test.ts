import { expect, test } from 'vitest';
import { ByteWriter, utf8 } from '../../../base/bytes.ts';
import { ServerStatus } from '../../../mysql-bridge/protocol/constants.ts';
import { SessionUnderTest } from './session-under-test.ts';
import { classic, command, modern, Response } from './wire.ts';

// Transcripts of a session that executes one prepared statement with a cursor and without. A turn that has ended is one whose
// response was found to be whole.

function execute(id: number, flags: number): Uint8Array {
  return command(0x17, new ByteWriter().u32(id).u8(flags).u32(1).finish());
}

/** Columns and the status of a cursor, as under each capability. */
function opened(capabilities: number): Uint8Array {
  const status = ServerStatus.autocommit | ServerStatus.cursorExists;
  const response = new Response(capabilities).raw(Uint8Array.of(1)).raw(utf8('\x03def'));
  return response.raw(capabilities === modern ? okOf(0xfe, status) : eofOf(status)).bytes;
}

function okOf(header: number, status: number): Uint8Array {
  return new ByteWriter().u8(header).u8(0).u8(0).u16(status).u16(0).finish();
}

function eofOf(status: number): Uint8Array {
  return new ByteWriter().u8(0xfe).u16(0).u16(status).finish();
}

/** As 9.7.4 answers: columns, an OK, no rows. */
function withoutRows(): Uint8Array {
  const response = new Response(modern).raw(Uint8Array.of(1)).raw(utf8('\x03def'));
  return response.raw(okOf(0, ServerStatus.autocommit)).bytes;
}

/** A row of the binary protocol; this one is as long as an OK. */
const row = Uint8Array.of(0, 0, 4, 0x61, 0x62, 0x63, 0x64);

function turn(session: SessionUnderTest, sent: Uint8Array, response: Uint8Array): string {
  session.forget();
  // One byte at a time: the head of a command is found wherever it is cut.
  for (const byte of sent) session.client(Uint8Array.of(byte));
  session.server(response);
  return session.machine.phase;
}

test('columns and an OK end an execution without a cursor, when the first one had a cursor', () => {
  const session = SessionUnderTest.loggedIn(modern);

  expect(turn(session, execute(1, 1), opened(modern))).toBe('idle');
  expect(turn(session, execute(1, 0), withoutRows())).toBe('idle');
  expect(turn(session, execute(1, 1), opened(modern))).toBe('idle');
  expect(turn(session, execute(1, 0), withoutRows())).toBe('idle');
});

test('rows that come nevertheless are followed to their end', () => {
  const session = SessionUnderTest.loggedIn(modern);
  turn(session, execute(1, 1), opened(modern));

  const rows = new Response(modern).columns(1).raw(row).raw(row);
  expect(turn(session, execute(1, 0), rows.bytes)).toBe('turn');
  session.server(new Response(modern, 5).end().bytes);
  expect(session.machine.phase).toBe('idle');
  expect(turn(session, execute(1, 0), new Response(modern).columns(1).end().bytes)).toBe('idle');
});

test.each<[string, (session: SessionUnderTest) => void]>([
  ['never executed', () => undefined],
  [
    'executed without a cursor at first',
    (session) => {
      turn(session, execute(1, 0), new Response(modern).columns(1).end().bytes);
      turn(session, execute(1, 1), opened(modern));
    },
  ],
  [
    'executed with a cursor, which failed',
    (session) => turn(session, execute(1, 1), new Response(modern).err().bytes),
  ],
  ['another than the one with a cursor', (session) => turn(session, execute(2, 1), opened(modern))],
  [
    'closed since',
    (session) => {
      turn(session, execute(1, 1), opened(modern));
      session.client(command(0x19, new ByteWriter().u32(1).finish()));
    },
  ],
  [
    'of a connection that was reset since',
    (session) => {
      turn(session, execute(1, 1), opened(modern));
      turn(session, command(0x1f), new Response(modern).ok().bytes);
    },
  ],
  [
    'of a user that was changed since',
    (session) => {
      turn(session, execute(1, 1), opened(modern));
      turn(session, command(0x11, utf8('app\0')), new Response(modern).ok().bytes);
    },
  ],
])('what looks like an OK is a row of a statement that was %s', (_, prepare) => {
  const session = SessionUnderTest.loggedIn(modern);
  prepare(session);

  expect(session.machine.phase).toBe('idle');
  expect(turn(session, execute(1, 0), withoutRows())).toBe('turn');
});

test('with EOFs nothing has to be remembered', () => {
  const session = SessionUnderTest.loggedIn(classic);
  turn(session, execute(1, 1), opened(classic));
  const columns = new Response(classic).raw(Uint8Array.of(1)).raw(utf8('\x03def'));

  expect(turn(session, execute(1, 0), columns.ok().bytes)).toBe('idle');
});
