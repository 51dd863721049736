import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concatBytes } from '../../../base/bytes.ts';
import {
  BinlogDumpFlag,
  type Command,
  readCommand,
  writeCommand,
} from '../../../mysql-bridge/protocol/commands.ts';
import { Capability, CommandCode } from '../../../mysql-bridge/protocol/constants.ts';
import { text, u16, u32, u64 } from './arbitraries.ts';
import { capturedPayload } from './captured.ts';

const withAttributes = Capability.queryAttributes;

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

describe('captured commands', () => {
  test('a query behind the attributes that it does not have', () => {
    const payload = capturedPayload('query-with-attributes');
    const command = readCommand(payload, withAttributes);

    expect(command).toEqual({ kind: 'query', sql: 'select @@version_comment limit 1' });
    expect(writeCommand(command, withAttributes)).toEqual(payload);
  });

  test('COM_BINLOG_DUMP_GTID of mysqlbinlog', () => {
    const payload = capturedPayload('binlog-dump-gtid');
    const command = readCommand(payload, withAttributes);

    expect(command).toMatchObject({
      kind: 'binlog-dump-gtid',
      flags: BinlogDumpFlag.nonBlock,
      serverId: 99,
      file: 'binlog.000002',
      offset: 4n,
    });
    const set = command.kind === 'binlog-dump-gtid' ? hex(command.exclude) : '';
    // One source, one interval: from 1 to before 6.
    expect(set).toBe(
      ['0100000000000000', '1952a4bde55e11f1a71202fc00000001', '0100000000000000']
        .concat('0100000000000000', '0600000000000000')
        .join(''),
    );
    expect(writeCommand(command, withAttributes)).toEqual(payload);
  });

  test('COM_BINLOG_DUMP of mysqlbinlog', () => {
    const payload = capturedPayload('binlog-dump');
    const command = readCommand(payload, withAttributes);

    expect(command).toEqual({
      kind: 'binlog-dump',
      flags: BinlogDumpFlag.nonBlock,
      serverId: 0,
      file: 'binlog.000002',
      offset: 4,
    });
    expect(writeCommand(command, withAttributes)).toEqual(payload);
  });
});

test('a replica makes itself known in the form of the manual', () => {
  const replica = { serverId: 258, host: 'h', user: 'us', password: '', port: 3306 };
  const payload = writeCommand({ kind: 'register-replica', ...replica }, 0);

  expect(hex(payload)).toBe(
    ['15', '02010000', '0168', '027573', '00', 'ea0c', '00000000', '00000000'].join(''),
  );
});

const commands: fc.Arbitrary<Command> = fc.oneof(
  fc
    .constantFrom('quit', 'ping', 'statistics', 'reset-connection')
    .map((kind): Command => ({ kind })),
  fc.record({ kind: fc.constant('init-db'), database: text }),
  fc.record({ kind: fc.constant('query'), sql: text }),
  fc.record({
    kind: fc.constant('register-replica'),
    serverId: u32,
    host: fc.string({ maxLength: 255 }),
    user: fc.string({ maxLength: 255 }),
    password: fc.string({ maxLength: 255 }),
    port: u16,
  }),
  fc.record({
    kind: fc.constant('binlog-dump'),
    flags: u16,
    serverId: u32,
    file: text,
    offset: u32,
  }),
  fc.record({
    kind: fc.constant('binlog-dump-gtid'),
    flags: u16,
    serverId: u32,
    file: text,
    offset: u64,
    exclude: fc.uint8Array({ maxLength: 60 }),
  }),
);

test('every command comes back, with query attributes and without', () => {
  fc.assert(
    fc.property(commands, fc.constantFrom(0, withAttributes), (command, capabilities) => {
      const read = readCommand(writeCommand(command, capabilities), capabilities);
      expect(plain(read)).toEqual(plain(command));
    }),
  );
});

/** Bytes compare by what they hold, whoever allocated them. */
function plain(command: Command): unknown {
  return command.kind === 'binlog-dump-gtid'
    ? { ...command, exclude: hex(command.exclude) }
    : command;
}

const known: ReadonlySet<number> = new Set([
  CommandCode.quit,
  CommandCode.ping,
  CommandCode.statistics,
  CommandCode.resetConnection,
  CommandCode.initDb,
  CommandCode.query,
  CommandCode.registerReplica,
  CommandCode.binlogDump,
  CommandCode.binlogDumpGtid,
]);

test('every other code passes as the bytes it came in', () => {
  for (let code = 0; code <= 0xff; code += 1) {
    if (known.has(code)) continue;
    const payload = concatBytes([Uint8Array.of(code), Uint8Array.of(1, 2, 3)]);
    const command = readCommand(payload, withAttributes);
    expect(command).toEqual({ kind: 'other', code, payload });
    expect(writeCommand(command, withAttributes)).toEqual(payload);
  }
});

test('a dump whose lengths reach past its end, and an empty command, are malformed', () => {
  const whole = capturedPayload('binlog-dump-gtid');
  const cuts = Array.from(whole, (_, length) => whole.subarray(0, length));

  for (const cut of cuts) {
    expect(() => readCommand(cut, 0)).toThrow(
      expect.objectContaining({ code: 'MYSQL_PACKET_MALFORMED' }),
    );
  }
});
