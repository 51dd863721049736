/**
 * Numbers of the client/server protocol. Sources: MySQL manual "Client/Server Protocol", and
 * `include/mysql_com.h`, `include/my_command.h`, `include/mysqld_error.h` of the server, whose names these keep in camel case.
 */

/** Capability flags, sent by both sides in the handshake; what both have is in force. */
export const Capability = {
  longPassword: 0x1,
  foundRows: 0x2,
  longFlag: 0x4,
  connectWithDb: 0x8,
  noSchema: 0x10,
  compress: 0x20,
  odbc: 0x40,
  localFiles: 0x80,
  ignoreSpace: 0x100,
  protocol41: 0x200,
  interactive: 0x400,
  ssl: 0x800,
  ignoreSigpipe: 0x1000,
  transactions: 0x2000,
  reserved: 0x4000,
  /** "Secure connection": the response to the nonce has a length in front. */
  secureConnection: 0x8000,
  multiStatements: 0x1_0000,
  multiResults: 0x2_0000,
  psMultiResults: 0x4_0000,
  pluginAuth: 0x8_0000,
  connectAttributes: 0x10_0000,
  pluginAuthLengthEncoded: 0x20_0000,
  canHandleExpiredPasswords: 0x40_0000,
  sessionTrack: 0x80_0000,
  deprecateEof: 0x100_0000,
  optionalResultSetMetadata: 0x200_0000,
  zstdCompression: 0x400_0000,
  queryAttributes: 0x800_0000,
  multiFactorAuthentication: 0x1000_0000,
  sslVerifyServerCertificate: 0x4000_0000,
  rememberOptions: 0x8000_0000,
} as const;

/** First byte of a command packet. */
export const CommandCode = {
  sleep: 0x00,
  quit: 0x01,
  initDb: 0x02,
  query: 0x03,
  fieldList: 0x04,
  createDb: 0x05,
  dropDb: 0x06,
  refresh: 0x07,
  shutdown: 0x08,
  statistics: 0x09,
  processInfo: 0x0a,
  connect: 0x0b,
  processKill: 0x0c,
  debug: 0x0d,
  ping: 0x0e,
  time: 0x0f,
  delayedInsert: 0x10,
  changeUser: 0x11,
  binlogDump: 0x12,
  tableDump: 0x13,
  connectOut: 0x14,
  registerReplica: 0x15,
  stmtPrepare: 0x16,
  stmtExecute: 0x17,
  stmtSendLongData: 0x18,
  stmtClose: 0x19,
  stmtReset: 0x1a,
  setOption: 0x1b,
  stmtFetch: 0x1c,
  daemon: 0x1d,
  binlogDumpGtid: 0x1e,
  resetConnection: 0x1f,
  clone: 0x20,
  subscribeGroupReplicationStream: 0x21,
} as const;
export type CommandCode = (typeof CommandCode)[keyof typeof CommandCode];

/** Server status, in OK and EOF packets. */
export const ServerStatus = {
  inTransaction: 0x0001,
  autocommit: 0x0002,
  moreResultsExist: 0x0008,
  noGoodIndexUsed: 0x0010,
  noIndexUsed: 0x0020,
  cursorExists: 0x0040,
  lastRowSent: 0x0080,
  dbDropped: 0x0100,
  noBackslashEscapes: 0x0200,
  metadataChanged: 0x0400,
  queryWasSlow: 0x0800,
  psOutParameters: 0x1000,
  inTransactionReadOnly: 0x2000,
  sessionStateChanged: 0x4000,
} as const;

/** First byte of a response packet. */
export const ResponseHeader = {
  ok: 0x00,
  authMoreData: 0x01,
  authNextFactor: 0x02,
  /** The server asks for the contents of a file of the client (LOAD DATA LOCAL). */
  localInfile: 0xfb,
  /** EOF, or an OK that ends a result set, or an authentication switch: told apart by place and length. */
  eof: 0xfe,
  err: 0xff,
} as const;

/** Column types that we write ourselves, and those whose binary values we must step over. */
export const ColumnType = {
  decimal: 0,
  tiny: 1,
  short: 2,
  long: 3,
  float: 4,
  double: 5,
  null: 6,
  timestamp: 7,
  longlong: 8,
  int24: 9,
  date: 10,
  time: 11,
  datetime: 12,
  year: 13,
  varchar: 15,
  bit: 16,
  vector: 242,
  json: 245,
  newdecimal: 246,
  enum: 247,
  set: 248,
  tinyBlob: 249,
  mediumBlob: 250,
  longBlob: 251,
  blob: 252,
  varString: 253,
  string: 254,
  geometry: 255,
} as const;

/** Error numbers that this project writes or acts on; each with its SQLSTATE in `mysqld_error.h`. */
export const ErrorNumber = {
  conCount: 1040,
  outOfResources: 1041,
  handshake: 1043,
  dbAccessDenied: 1044,
  accessDenied: 1045,
  unknownCommand: 1047,
  serverShutdown: 1053,
  hostNotPrivileged: 1130,
  cannotCreateThread: 1135,
  netPacketTooLarge: 1153,
  netPacketsOutOfOrder: 1156,
  netReadError: 1158,
  netReadInterrupted: 1159,
  tooManyUserConnections: 1203,
  specificAccessDenied: 1227,
  sourceFatalErrorReadingBinlog: 1236,
  notSupportedYet: 1235,
  optionPreventsStatement: 1290,
  queryInterrupted: 1317,
  accessDeniedNoPassword: 1698,
  malformedPacket: 1835,
  serverOfflineMode: 3032,
  unsupportedReplicationEngine: 3100,
  accountLocked: 3118,
  accountBlockedByPasswordLock: 3955,
} as const;

/** `utf8mb4_general_ci`: known to every server version and to every client library. */
export const utf8mb4GeneralCi = 45;
/** `binary`, for columns that hold bytes. */
export const binaryCharacterSet = 63;

/** A wire packet carries at most this many payload bytes; a longer packet goes on in the next one. */
export const wirePayloadBytesMax = 0xff_ffff;
/** Length (3 bytes) and sequence number (1 byte) in front of each wire packet. */
export const wireHeaderBytes = 4;
