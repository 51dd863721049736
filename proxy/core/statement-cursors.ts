import { CommandCode, wireHeaderBytes } from '../../mysql-bridge/protocol/constants.ts';
import type { Run } from './wire-cutter.ts';

/** Wire header, code, statement id, flags of COM_STMT_EXECUTE. */
const headBytes = wireHeaderBytes + 6;
const cursorFlag = 0x1;
/** As many statements as a server allows by default (`max_prepared_stmt_count`); those past it are not remembered. */
const statementsMax = 16_382;

/**
 * Which prepared statements were executed with a cursor at first. MySQL 9.7 answers a later execution without one with columns
 * and an OK, and no rows. Under `deprecateEof` such an OK looks like a row, so one has to know that it may come.
 */
export class StatementCursors {
  /** Whether the first execution that succeeded opened a cursor, by statement id. */
  readonly #opened = new Map<number, boolean>();
  readonly #head = new Uint8Array(headBytes);
  #headLength = 0;
  /** The statement whose execution runs. */
  #running: number | null = null;

  /** The next bytes of a command on its way to the server. True: it may be answered by columns and an OK. */
  take(run: Run): boolean {
    if (run.isFirst) this.#headLength = 0;
    if (this.#headLength === headBytes) return false;
    const taken = run.bytes.subarray(0, headBytes - this.#headLength);
    this.#head.set(taken, this.#headLength);
    this.#headLength += taken.length;
    return (run.isLast || this.#headLength === headBytes) && this.#judge();
  }

  /** The response of the latest command is all there. */
  answered(response: { readonly hasFailed: boolean; readonly hasCursor: boolean }): void {
    const id = this.#running;
    this.#running = null;
    if (id === null || response.hasFailed || this.#opened.has(id)) return;
    if (this.#opened.size < statementsMax) this.#opened.set(id, response.hasCursor);
  }

  /** The server has dropped all statements of the session. */
  clear(): void {
    this.#opened.clear();
    this.#running = null;
  }

  #judge(): boolean {
    const view = new DataView(this.#head.buffer);
    const code = this.#headLength > wireHeaderBytes ? view.getUint8(wireHeaderBytes) : -1;
    if (code === CommandCode.resetConnection) this.clear();
    if (this.#headLength < headBytes - 1) return false;
    const id = view.getUint32(wireHeaderBytes + 1, true);
    if (code === CommandCode.stmtClose) this.#opened.delete(id);
    if (code !== CommandCode.stmtExecute || this.#headLength < headBytes) return false;
    this.#running = id;
    const wantsCursor = (view.getUint8(wireHeaderBytes + 5) & cursorFlag) !== 0;
    return !wantsCursor && this.#opened.get(id) === true;
  }
}
