export { LogStoreErrorCode } from './errors.ts';
export { FileSnapshotStore, type FileSnapshotStoreOptions } from './file-snapshot-store.ts';
export {
  type LevelLogStore,
  type LevelLogStoreOptions,
  openLevelLogStore,
} from './level-log-store.ts';
export { entryPayloadBytesMax } from './limits.ts';
export { MemoryLogDisk, MemoryLogStore } from './memory-log-store.ts';
export { MemorySnapshotStore } from './memory-snapshot-store.ts';
