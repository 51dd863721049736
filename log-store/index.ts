export { LogStoreErrorCode } from './errors.ts';
export { entryPayloadBytesMax } from './limits.ts';
export { MemoryLogDisk, MemoryLogStore } from './memory-log-store.ts';
