import { CommandCode } from '../../mysql-bridge/protocol/constants.ts';
import type { ClientErrorCode } from './client-error.ts';
import { beginsXa } from './xa-statement.ts';

/** What the server sends back to a command, as far as its end must be found. */
export type ResponseShape =
  /** Nothing at all. */
  | 'none'
  /** One packet, whatever it is. */
  | 'packet'
  /** OK, ERR, a request for a local file, or result sets, one after the other. */
  | 'results'
  /** Rows without columns in front, up to EOF or ERR. */
  | 'rows'
  | 'prepare'
  /** An authentication exchange, up to OK or ERR. */
  | 'login';

export interface CommandRule {
  readonly shape: ResponseShape;
  /**
   * The command may change what is stored, so an answer that never came leaves its outcome unknown. Statement text is not
   * looked at: a SELECT may call a function that writes.
   */
  readonly mayWrite: boolean;
}

const query: CommandRule = { shape: 'results', mayWrite: true };
const simple: CommandRule = { shape: 'packet', mayWrite: false };
const silent: CommandRule = { shape: 'none', mayWrite: false };

/**
 * The commands that pass, each with the shape of its answer. `MySQL: Client/Server Protocol, Command Phase`.
 * Those missing here do not exist in the server any more, or belong to replication and operation: see `refusedCommands`.
 */
const rules: ReadonlyMap<number, CommandRule> = new Map<number, CommandRule>([
  [CommandCode.quit, silent],
  [CommandCode.initDb, simple],
  [CommandCode.query, query],
  [CommandCode.fieldList, { shape: 'rows', mayWrite: false }],
  [CommandCode.refresh, { shape: 'packet', mayWrite: true }],
  [CommandCode.statistics, simple],
  [CommandCode.processInfo, { shape: 'results', mayWrite: false }],
  [CommandCode.processKill, simple],
  [CommandCode.debug, simple],
  [CommandCode.ping, simple],
  [CommandCode.changeUser, { shape: 'login', mayWrite: false }],
  [CommandCode.stmtPrepare, { shape: 'prepare', mayWrite: false }],
  [CommandCode.stmtExecute, query],
  [CommandCode.stmtSendLongData, silent],
  [CommandCode.stmtClose, silent],
  [CommandCode.stmtReset, simple],
  [CommandCode.setOption, simple],
  [CommandCode.stmtFetch, { shape: 'rows', mayWrite: false }],
  [CommandCode.resetConnection, simple],
]);

/**
 * Known, and refused on the ports of applications: a second reader of the binlog could acknowledge commits that no majority
 * holds (HAZARDS H11), and stopping or overwriting the server is the node's business alone (H2).
 */
const refusedCommands: ReadonlySet<number> = new Set<number>([
  CommandCode.shutdown,
  CommandCode.binlogDump,
  CommandCode.binlogDumpGtid,
  CommandCode.registerReplica,
  CommandCode.tableDump,
  CommandCode.clone,
  CommandCode.subscribeGroupReplicationStream,
]);

/** A rule, or why the command does not pass. */
export type CommandVerdict = CommandRule | ClientErrorCode;

/** `head`: the beginning of the packet, empty when the packet is; `capabilities`: those that both sides have. */
export function judgeCommand(head: Uint8Array, capabilities: number): CommandVerdict {
  const code = head[0] ?? -1;
  if (beginsXa(head, capabilities)) return 'PROXY_XA_REFUSED';
  const rule = rules.get(code);
  if (rule !== undefined) return rule;
  return refusedCommands.has(code) ? 'PROXY_COMMAND_REFUSED' : 'PROXY_COMMAND_UNKNOWN';
}
