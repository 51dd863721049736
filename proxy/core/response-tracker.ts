import { assertNever } from '../../base/assert.ts';
import {
  Capability,
  ResponseHeader,
  ServerStatus,
  wirePayloadBytesMax,
} from '../../mysql-bridge/protocol/constants.ts';
import type { ResponseShape } from './command-table.ts';
import type { PacketWalker } from './packet-walker.ts';

/** What the next packet of the response is. */
type Expecting =
  | 'nothing'
  | 'one-packet'
  /** The first packet of a result: OK, ERR, file request, or column count. */
  | 'result'
  | 'columns'
  | 'columns-end'
  | 'rows'
  /** The first row, or an OK with the header of OK in place of all rows. */
  | 'rows-or-ok'
  | 'prepare-ok'
  | 'definitions'
  | 'definitions-end'
  | 'login'
  /** Nothing, until the client has sent the file that was asked for. */
  | 'file';

/** An EOF has at most this much payload; a row that begins with 0xfe has more. */
const eofBytesMax = 8;
/** Header, two numbers of one byte, status, warnings. */
const okBytesMin = 7;
/** Every status flag there is. */
const sessionStatus = Object.values(ServerStatus).reduce((all, flag) => all | flag, 0);
/** `ER_LOCK_DEADLOCK`: the server has rolled the whole transaction back. */
const deadlockError = 1213;

/**
 * Follows one response by the first bytes of its packets, and so knows where it ends; rows are not looked into.
 * `MySQL: Client/Server Protocol, Text Protocol and Prepared Statements`.
 */
export class ResponseTracker {
  readonly #deprecatesEof: boolean;
  readonly #mayAskForFile: boolean;
  #expecting: Expecting = 'nothing';
  /** Column definitions to come, of a result. */
  #columnsLeft = 0;
  /** Blocks of definitions to come after a prepare: parameters, then columns. */
  #blocks: number[] = [];
  #status: number = ServerStatus.autocommit;
  #hasFailed = false;
  #mayLackRows = false;

  constructor(capabilities: number) {
    this.#deprecatesEof = (capabilities & Capability.deprecateEof) !== 0;
    this.#mayAskForFile = (capabilities & Capability.localFiles) !== 0;
  }

  /** Every packet of the response has begun; with the walker at a boundary, it is all there. */
  get isDone(): boolean {
    return this.#expecting === 'nothing';
  }

  /** The latest response ended with an ERR. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** The latest response left its rows in the server, to be fetched. */
  get hasCursor(): boolean {
    return !this.#hasFailed && (this.#status & ServerStatus.cursorExists) !== 0;
  }

  get wantsFile(): boolean {
    return this.#expecting === 'file';
  }

  get isLogin(): boolean {
    return this.#expecting === 'login';
  }

  /** As of the latest status the server told; after an ERR without status, what is sure to keep a transaction in view. */
  get inTransaction(): boolean {
    return (this.#status & ServerStatus.inTransaction) !== 0;
  }

  begin(shape: ResponseShape): void {
    this.#expecting = firstOf(shape);
    this.#hasFailed = false;
    this.#mayLackRows = false;
  }

  /** The columns of this response may be followed by an OK and no rows: see StatementCursors. */
  expectOkBehindColumns(): void {
    this.#mayLackRows = true;
  }

  /** The client has sent the whole file; OK or ERR follows. */
  fileSent(): void {
    this.#expecting = 'result';
  }

  /** The walker stands on the head of the next packet. False when the server broke the protocol. */
  packet(walker: PacketWalker): boolean {
    if (walker.code === ResponseHeader.err && this.#expecting !== 'nothing') {
      return this.#failed(walker);
    }
    switch (this.#expecting) {
      case 'rows':
        return !this.#isEnd(walker) || this.#ended(walker);
      case 'rows-or-ok':
        this.#expecting = 'rows';
        return isBareOk(walker) || this.#isEnd(walker) ? this.#ended(walker) : true;
      case 'result':
        return this.#result(walker);
      case 'columns':
        return this.#column();
      case 'columns-end':
        return this.#columnsEnded(walker);
      case 'one-packet':
        return this.#onePacket(walker);
      case 'prepare-ok':
        return this.#prepared(walker);
      case 'definitions':
        return this.#definition();
      case 'definitions-end':
        this.#nextBlock();
        return true;
      case 'login':
        return this.#login(walker);
      case 'file':
      case 'nothing':
        return false;
      default:
        return assertNever(this.#expecting);
    }
  }

  #failed(walker: PacketWalker): boolean {
    const number = (byteAt(walker, 1) | (byteAt(walker, 2) << 8)) >>> 0;
    if (number === deadlockError) {
      this.#status &= ~ServerStatus.inTransaction;
    } else if ((this.#status & ServerStatus.autocommit) === 0) {
      // Outside autocommit a statement that fails may still have opened a transaction, and an ERR does not say.
      this.#status |= ServerStatus.inTransaction;
    }
    this.#expecting = 'nothing';
    this.#hasFailed = true;
    return true;
  }

  #result(walker: PacketWalker): boolean {
    if (walker.code === ResponseHeader.ok) return this.#ended(walker);
    if (walker.code === ResponseHeader.localInfile) {
      this.#expecting = 'file';
      return this.#mayAskForFile;
    }
    this.#columnsLeft = columnCount(walker);
    this.#expecting = 'columns';
    return this.#columnsLeft > 0;
  }

  #column(): boolean {
    this.#columnsLeft -= 1;
    if (this.#columnsLeft > 0) return true;
    if (!this.#deprecatesEof) this.#expecting = 'columns-end';
    else this.#expecting = this.#mayLackRows ? 'rows-or-ok' : 'rows';
    return true;
  }

  #columnsEnded(walker: PacketWalker): boolean {
    // MySQL 9.7, to a statement executed with a cursor at first and then without: columns, then an OK, no EOF and no rows.
    if (walker.code === ResponseHeader.ok) return this.#ended(walker);
    const status = statusOf(walker, { isEof: true });
    if (walker.code !== ResponseHeader.eof || status === null) return false;
    // With a cursor the rows stay in the server until they are fetched.
    if ((status & ServerStatus.cursorExists) !== 0) return this.#ended(walker);
    this.#expecting = 'rows';
    return true;
  }

  /** Under `deprecateEof` the end is an OK with the header of EOF, of any length below 16 MiB. */
  #isEnd(walker: PacketWalker): boolean {
    if (walker.code !== ResponseHeader.eof) return false;
    return walker.length <= eofBytesMax || (this.#deprecatesEof && !isFull(walker));
  }

  /** OK or EOF: the end, unless it says that another result follows. */
  #ended(walker: PacketWalker): boolean {
    const isEof = walker.code === ResponseHeader.eof && !this.#deprecatesEof;
    const status = statusOf(walker, { isEof });
    if (status === null) return false;
    this.#status = status;
    const hasMore = (status & ServerStatus.moreResultsExist) !== 0;
    this.#expecting = hasMore ? 'result' : 'nothing';
    return true;
  }

  #onePacket(walker: PacketWalker): boolean {
    const tellsStatus = walker.code === ResponseHeader.ok || walker.code === ResponseHeader.eof;
    const isRead = !tellsStatus || this.#ended(walker);
    this.#expecting = 'nothing';
    return isRead;
  }

  #prepared(walker: PacketWalker): boolean {
    if (walker.code !== ResponseHeader.ok || walker.length < 9) return false;
    const columns = byteAt(walker, 5) | (byteAt(walker, 6) << 8);
    const parameters = byteAt(walker, 7) | (byteAt(walker, 8) << 8);
    this.#blocks = [parameters, columns].filter((count) => count > 0);
    this.#nextBlock();
    return true;
  }

  #nextBlock(): void {
    this.#columnsLeft = this.#blocks.shift() ?? 0;
    this.#expecting = this.#columnsLeft > 0 ? 'definitions' : 'nothing';
  }

  #definition(): boolean {
    this.#columnsLeft -= 1;
    if (this.#columnsLeft > 0) return true;
    if (this.#deprecatesEof) this.#nextBlock();
    else this.#expecting = 'definitions-end';
    return true;
  }

  #login(walker: PacketWalker): boolean {
    return walker.code !== ResponseHeader.ok || this.#ended(walker);
  }
}

function firstOf(shape: ResponseShape): Expecting {
  switch (shape) {
    case 'none':
      return 'nothing';
    case 'packet':
      return 'one-packet';
    case 'results':
      return 'result';
    case 'rows':
      return 'rows';
    case 'prepare':
      return 'prepare-ok';
    case 'login':
      return 'login';
    default:
      return assertNever(shape);
  }
}

function isFull(walker: PacketWalker): boolean {
  return walker.length === wirePayloadBytesMax;
}

function byteAt(walker: PacketWalker, index: number): number {
  return walker.head[walker.headAt + index] ?? 0;
}

/** Column count of a result: at most 4096 in MySQL, so one byte, or 0xfc and two. Zero when it is neither. */
function columnCount(walker: PacketWalker): number {
  if (walker.code < 0xfb) return Math.max(walker.code, 0);
  if (walker.code !== 0xfc || walker.length < 3) return 0;
  return byteAt(walker, 1) | (byteAt(walker, 2) << 8);
}

/** Status flags of an EOF or OK; null when the packet is too short to hold them. */
function statusOf(walker: PacketWalker, packet: { readonly isEof: boolean }): number | null {
  let at = 3;
  if (!packet.isEof) {
    at = 1;
    at += integerBytes(byteAt(walker, at));
    at += integerBytes(byteAt(walker, at));
  }
  if (walker.length < at + 2) return null;
  return byteAt(walker, at) | (byteAt(walker, at + 1) << 8);
}

/** An OK of no rows: nothing affected, no id, and the status. A row of the binary protocol begins with the same byte. */
function isBareOk(walker: PacketWalker): boolean {
  const isEmpty = byteAt(walker, 1) === 0 && byteAt(walker, 2) === 0;
  const status = statusOf(walker, { isEof: false });
  const isStatus = status !== null && (status & ~sessionStatus) === 0;
  return walker.code === ResponseHeader.ok && isEmpty && isStatus && walker.length >= okBytesMin;
}

/** Size of a length-encoded integer by its first byte. */
function integerBytes(first: number): number {
  if (first < 0xfb) return 1;
  if (first === 0xfc) return 3;
  if (first === 0xfd) return 4;
  return 9;
}
