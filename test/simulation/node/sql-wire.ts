import { ByteWriter, concatBytes, utf8 } from '../../../base/bytes.ts';
import {
  textColumn,
  writeColumnDefinition,
} from '../../../mysql-bridge/protocol/column-definition.ts';
import { Capability, CommandCode, ServerStatus } from '../../../mysql-bridge/protocol/constants.ts';
import { writeErr } from '../../../mysql-bridge/protocol/err-packet.ts';
import { writeGreeting, writeHandshakeResponse } from '../../../mysql-bridge/protocol/handshake.ts';
import { plainOk, writeOk } from '../../../mysql-bridge/protocol/ok-packet.ts';
import { encodePacket } from '../../../mysql-bridge/protocol/packet-writer.ts';
import { writeTextRow } from '../../../mysql-bridge/protocol/result-set.ts';
import type { SimAnswer, SimStatement } from '../mysql/statements.ts';

// What simulated clients and servers say on the wire: the real protocol, with statements as JSON in place of SQL text.

/** Every client and server of a run speaks this. */
export const capabilities: number =
  Capability.protocol41 |
  Capability.secureConnection |
  Capability.pluginAuth |
  Capability.multiStatements |
  Capability.multiResults |
  Capability.deprecateEof;

const authPlugin = 'caching_sha2_password';
const nonce: Uint8Array = new Uint8Array(20).fill(7);

/** One statement of a client. `op` is unique in a run: that none is ever executed twice is checked by it (HAZARDS C9). */
export interface ClientStatement {
  readonly op: number;
  readonly statement: SimStatement;
}

export function greetingPacket(connectionId: number): Uint8Array {
  const payload = writeGreeting({
    serverVersion: '9.7.4',
    connectionId,
    nonce,
    capabilities,
    characterSet: 255,
    status: ServerStatus.autocommit,
    authPlugin,
  });
  return encodePacket(payload, 0);
}

export const handshakeResponse: Uint8Array = encodePacket(
  writeHandshakeResponse({
    capabilities,
    packetBytesMax: 1 << 24,
    characterSet: 45,
    user: 'app',
    authResponse: new Uint8Array(32).fill(3),
    database: null,
    authPlugin,
    attributes: [],
  }),
  1,
);

export function queryPacket(statement: ClientStatement): Uint8Array {
  const text = utf8(JSON.stringify(statement));
  return encodePacket(concatBytes([Uint8Array.of(CommandCode.query), text]), 0);
}

const rowColumns: readonly Uint8Array[] = ['name', 'value'].map((name) =>
  writeColumnDefinition(textColumn(name)),
);
const valueColumns: readonly Uint8Array[] = rowColumns.slice(1);

/** The packets that answer a statement, numbered from `sequence`. */
export function answerPackets(
  answer: SimAnswer,
  options: { readonly sequence: number; readonly inTransaction: boolean },
): Uint8Array {
  const status = ServerStatus.autocommit | (options.inTransaction ? ServerStatus.inTransaction : 0);
  const payloads = payloadsOf(answer, status);
  return concatBytes(
    payloads.map((payload, place) => encodePacket(payload, (options.sequence + place) & 0xff)),
  );
}

function payloadsOf(answer: SimAnswer, status: number): readonly Uint8Array[] {
  switch (answer.kind) {
    case 'ok': {
      const affectedRows = BigInt(answer.affected);
      return [
        writeOk({ ...plainOk, affectedRows, status, message: answer.gtid ?? '' }, capabilities),
      ];
    }
    case 'error':
      return [writeErr({ number: answer.number, sqlState: 'HY000', message: answer.message })];
    case 'rows':
      return rowsPayloads(rowColumns, answer.rows, status);
    case 'value':
      return rowsPayloads(valueColumns, [[answer.value]], status);
  }
}

function rowsPayloads(
  columns: readonly Uint8Array[],
  rows: readonly (readonly string[])[],
  status: number,
): readonly Uint8Array[] {
  return [
    new ByteWriter(1).lengthEncodedInteger(columns.length).finish(),
    ...columns,
    ...rows.map(writeTextRow),
    writeOk({ ...plainOk, status }, capabilities, { endsResultSet: true }),
  ];
}
