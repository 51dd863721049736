const mebibyte = 1024 * 1024;

/**
 * Payload bytes of one entry. Large transactions are cut into fragments far below this long before they get here.
 */
export const entryPayloadBytesMax: number = 64 * mebibyte;

/** Payload bytes merged into one write; a single batch above it is written alone. */
export const groupBytesMax: number = 16 * mebibyte;

/** Payload bytes accepted and not yet durable. Raft's own windows end far earlier. */
export const queueBytesMax: number = 512 * mebibyte;
