export { Connections, type ConnectionsOptions, type SimSocket } from './connections.ts';
export { type Datagram, Datagrams, type DatagramsOptions } from './datagrams.ts';
export type { ScheduledEvent } from './event-queue.ts';
export {
  type Cut,
  type Direction,
  Network,
  type NetworkConditions,
  perfectNetwork,
} from './network.ts';
export { PartitionShape, partition } from './partitions.ts';
export { networkOf } from './planned-network.ts';
export { happens, pickFrom, RandomStreams } from './random-streams.ts';
export {
  drawFaults,
  type FaultEvent,
  knobOf,
  luckOf,
  type RunPlan,
  type RunReport,
  type Scenario,
  type Wishes,
} from './scenario.ts';
export { type HostClockOptions, SimHost } from './sim-host.ts';
export { type DiskConditions, entryOnDisk, goodDisk, SimLogDisk } from './sim-log-disk.ts';
export { SimLogStore } from './sim-log-store.ts';
export { simLogger } from './sim-logger.ts';
export { hostOf, Processes, type ProcessState, SimProcess } from './sim-process.ts';
export { Simulation } from './simulation.ts';
export { secondsOf, Trace, type TraceLevel, type TraceOptions } from './trace.ts';
export { Violation } from './violation.ts';
