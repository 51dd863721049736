/** Hard maxima of the core that no configuration moves. Crossing one is refused, never queued. */

/** Reads waiting for a quorum round at one leader; past it a read is rejected at once. */
export const waitingReadsMax = 65_536;

/** Changes in one request: enough to replace every member. */
export const memberChangesMax = 64;

/** Configurations of the log that are remembered; older ones matter to nothing but a snapshot of long ago. */
export const rememberedMembershipsMax = 64;

/** Entries whose payload size is remembered, to cut appends without reading the log. A power of two. */
export const rememberedSizesMax = 65_536;

/** Pre-votes a node denies in a row, because it is better applied itself, before it lets others win. */
export const lagDenialsMax = 3;

/** An entry of unknown size counts as this share of an append's byte limit. */
export const unknownSizeShare = 16;

/** Bytes on the wire to one follower, unanswered, in full appends. */
export const inflightFullAppendsMax = 8;

/** What an entry costs besides its payload when bytes are counted, so that empty payloads have a limit too. */
export const entryOverheadBytes = 64;
