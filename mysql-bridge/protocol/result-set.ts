import { ByteReader, BytesError, ByteWriter, fromUtf8 } from '../../base/bytes.ts';
import {
  type ColumnDefinition,
  readColumnDefinition,
  writeColumnDefinition,
} from './column-definition.ts';
import { Capability, ResponseHeader, ServerStatus } from './constants.ts';
import { isEof, isResultSetEnd, readResultSetEnd, writeEof } from './eof-packet.ts';
import { type ErrPacket, isErr, readErr } from './err-packet.ts';
import { decoding, MalformedPacketError } from './errors.ts';
import { hasCapability } from './handshake.ts';
import { isOk, type OkPacket, plainOk, readOk, writeOk } from './ok-packet.ts';

/** A value in its text form; null is SQL NULL. */
export type TextRow = readonly (string | null)[];

export interface TextResultSet {
  readonly columns: readonly ColumnDefinition[];
  readonly rows: readonly TextRow[];
}

/** `MAX_FIELDS` of the server. */
const columnsMax = 4096;

/** The payloads that answer a query with rows. `MySQL: Client/Server Protocol, Text Resultset`. */
export function writeTextResultSet(result: TextResultSet, capabilities: number): Uint8Array[] {
  const status = ServerStatus.autocommit;
  const hasEof = !hasCapability(capabilities, Capability.deprecateEof);
  const end = hasEof
    ? writeEof({ warnings: 0, status })
    : writeOk(plainOk, capabilities, { endsResultSet: true });
  return [
    new ByteWriter().lengthEncodedInteger(result.columns.length).finish(),
    ...result.columns.map(writeColumnDefinition),
    ...(hasEof ? [end] : []),
    ...result.rows.map(writeTextRow),
    end,
  ];
}

export function writeTextRow(row: TextRow): Uint8Array {
  const writer = new ByteWriter();
  for (const value of row) {
    if (value === null) writer.u8(0xfb);
    else writer.lengthEncodedText(value);
  }
  return writer.finish();
}

/** Throws MalformedPacketError. */
export function readTextRow(payload: Uint8Array, columnCount: number): TextRow {
  return decoding('row', () => {
    const reader = new ByteReader(payload);
    const row: (string | null)[] = [];
    for (let column = 0; column < columnCount; column += 1) {
      const length = reader.lengthEncodedInteger();
      if (length !== null && length > BigInt(reader.left)) {
        throw new BytesError(`column ${column} claims ${length} bytes, ${reader.left} are left`);
      }
      row.push(length === null ? null : fromUtf8(reader.bytes(Number(length))));
    }
    if (reader.left > 0) throw new BytesError(`${reader.left} bytes behind the last column`);
    return row;
  });
}

/** How a query ended. */
export type QueryAnswer =
  | { readonly kind: 'ok'; readonly ok: OkPacket }
  | { readonly kind: 'err'; readonly err: ErrPacket }
  | ({ readonly kind: 'rows' } & TextResultSet);

type ReaderState = 'header' | 'columns' | 'columns-end' | 'rows' | 'done';

/**
 * Reads the answer to one COM_QUERY of a single statement, a packet at a time. For small administrative answers: the rows
 * are kept, at most `rowsMax` of them.
 */
export class QueryAnswerReader {
  readonly #capabilities: number;
  readonly #rowsMax: number;
  readonly #columns: ColumnDefinition[] = [];
  readonly #rows: TextRow[] = [];
  #columnCount = 0;
  #state: ReaderState = 'header';

  constructor(options: { readonly capabilities: number; readonly rowsMax: number }) {
    this.#capabilities = options.capabilities;
    this.#rowsMax = options.rowsMax;
  }

  /** The answer once this payload completes it, else null. Throws MalformedPacketError. */
  add(payload: Uint8Array): QueryAnswer | null {
    if (this.#state === 'done') throw new MalformedPacketError('a packet behind a complete answer');
    const answer = this.#read(payload);
    if (answer !== null) this.#state = 'done';
    return answer;
  }

  #read(payload: Uint8Array): QueryAnswer | null {
    if (isErr(payload)) return { kind: 'err', err: readErr(payload) };
    switch (this.#state) {
      case 'header':
        return this.#readHeader(payload);
      case 'columns':
        this.#readColumn(payload);
        return null;
      case 'columns-end':
        if (!isEof(payload)) throw new MalformedPacketError('more columns than were announced');
        this.#state = 'rows';
        return null;
      case 'rows':
        return this.#readRow(payload);
      case 'done':
        return null;
    }
  }

  #readHeader(payload: Uint8Array): QueryAnswer | null {
    if (isOk(payload)) return this.#readOnlyOk(payload);
    if (payload[0] === ResponseHeader.localInfile) {
      throw new MalformedPacketError('the server asks for a local file that was not offered');
    }
    this.#columnCount = decoding('column count', () => {
      const count = new ByteReader(payload).lengthEncodedInteger();
      if (count === null || count > columnsMax) throw new BytesError(`${count} columns`);
      return Number(count);
    });
    this.#state = 'columns';
    return null;
  }

  #readOnlyOk(payload: Uint8Array): QueryAnswer {
    const ok = readOk(payload, this.#capabilities);
    if ((ok.status & ServerStatus.moreResultsExist) !== 0) {
      throw new MalformedPacketError('a second result to a single statement');
    }
    return { kind: 'ok', ok };
  }

  #readColumn(payload: Uint8Array): void {
    this.#columns.push(readColumnDefinition(payload));
    if (this.#columns.length < this.#columnCount) return;
    const hasEof = !hasCapability(this.#capabilities, Capability.deprecateEof);
    this.#state = hasEof ? 'columns-end' : 'rows';
  }

  #readRow(payload: Uint8Array): QueryAnswer | null {
    if (isResultSetEnd(payload, this.#capabilities)) {
      const { status } = readResultSetEnd(payload, this.#capabilities);
      if ((status & ServerStatus.moreResultsExist) !== 0) {
        throw new MalformedPacketError('a second result to a single statement');
      }
      return { kind: 'rows', columns: this.#columns, rows: this.#rows };
    }
    if (this.#rows.length === this.#rowsMax) {
      throw new MalformedPacketError(`more than the ${this.#rowsMax} rows expected`);
    }
    this.#rows.push(readTextRow(payload, this.#columnCount));
    return null;
  }
}
