/**
 * Types of binlog events up to MySQL 9.7 (MySQL source documentation, "Binlog event types"). Those that nothing here reads
 * pass through as bytes; a number not listed does too, inside a transaction.
 */
export const EventType = {
  unknown: 0,
  startV3: 1,
  query: 2,
  stop: 3,
  rotate: 4,
  intvar: 5,
  slave: 7,
  appendBlock: 9,
  deleteFile: 11,
  rand: 13,
  userVar: 14,
  formatDescription: 15,
  xid: 16,
  beginLoadQuery: 17,
  executeLoadQuery: 18,
  tableMap: 19,
  writeRowsV1: 23,
  updateRowsV1: 24,
  deleteRowsV1: 25,
  incident: 26,
  heartbeat: 27,
  ignorable: 28,
  rowsQuery: 29,
  writeRows: 30,
  updateRows: 31,
  deleteRows: 32,
  gtid: 33,
  anonymousGtid: 34,
  previousGtids: 35,
  transactionContext: 36,
  viewChange: 37,
  xaPrepare: 38,
  partialUpdateRows: 39,
  transactionPayload: 40,
  heartbeatV2: 41,
  gtidTagged: 42,
} as const;

const nameByType: ReadonlyMap<number, string> = new Map(
  Object.entries(EventType).map(([name, type]) => [type, name]),
);

/** For messages: `gtid`, or `event type 99`. */
export function eventTypeName(type: number): string {
  return nameByType.get(type) ?? `event type ${type}`;
}
