import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { AssemblerEffect } from '../../../mysql-bridge/binlog/assembler-effects.ts';
import { buildEvent } from '../../../mysql-bridge/binlog/checksum.ts';
import { EventFlag } from '../../../mysql-bridge/binlog/event-header.ts';
import { EventType } from '../../../mysql-bridge/binlog/event-types.ts';
import { TransactionAssembler } from '../../../mysql-bridge/binlog/transaction-assembler.ts';
import { encodeSemisyncAck } from '../../../mysql-bridge/semisync/semisync-ack.ts';
import { toHex } from './hex.ts';
import { packetOf } from './stream-builder.ts';

// Goal: the name of a file that a server sends in a ROTATE event goes back to it in every ack, so what no ack can carry must be a
// fault of the stream, never an assertion behind it.

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** What the assembler says to an artificial ROTATE event with this file name. */
function rotateTo(fileName: Uint8Array): AssemblerEffect | undefined {
  const header = {
    timestamp: 0,
    type: EventType.rotate,
    serverId: 1,
    logPos: 0,
    flags: EventFlag.artificial,
  };
  const offset = Uint8Array.of(4, 0, 0, 0, 0, 0, 0, 0);
  const bytes = packetOf(buildEvent(header, Uint8Array.of(...offset, ...fileName)));
  const assembler = new TransactionAssembler({ hasSemisyncHeader: true });
  return assembler.step({ bytes, isFirst: true, isLast: true, sequence: 0 })[0];
}

test.each([
  ['none', new Uint8Array()],
  ['one of 512 bytes', new Uint8Array(512).fill(0x61)],
  ['one that is not UTF-8, and as text longer than its maximum', new Uint8Array(511).fill(0xff)],
  ['one cut inside a character', bytesOf('binlog-ä').subarray(0, -1)],
])('a file name is refused: %s', (_, fileName) => {
  expect(rotateTo(fileName)).toMatchObject({ kind: 'fault', code: 'MYSQL_BINLOG_MALFORMED' });
});

test('the longest file name is taken, and one that begins with a byte order mark as it is', () => {
  for (const name of ['n'.repeat(511), '\uFEFFbinlog.000001']) {
    expect(rotateTo(bytesOf(name))).toMatchObject({ kind: 'rotate', position: { file: name } });
  }
});

test('every name that is taken goes back in an ack byte by byte', () => {
  const names = fc.oneof(
    fc.uint8Array({ maxLength: 600 }),
    fc.string({ unit: 'grapheme', maxLength: 200 }).map(bytesOf),
  );
  fc.assert(
    fc.property(names, (name) => {
      const effect = rotateTo(name);

      expect(effect?.kind).toMatch(/^(rotate|fault)$/);
      if (effect?.kind !== 'rotate') return;
      expect(toHex(encodeSemisyncAck(effect.position).subarray(9))).toBe(toHex(name));
    }),
  );
});
