import type { NodeStatus } from '../../admin/node-status.ts';

/** A node of the cluster under test, as its clients and an operator on its machine reach it. */
export interface FaultNode {
  readonly id: string;
  /** Where clients reach it, and an operator its admin port. No fault between nodes comes in between. */
  readonly host: string;
  readonly readWritePort: number;
  readonly readOnlyPort: number;
  readonly adminPort: number;
  /** Its data and its log, as `binraft node` keeps them; the socket and the password of root are found from here. */
  readonly directory: string;
}

/** A real cluster that faults are done to. Disposal heals, ends every process and leaves nothing behind but files. */
export interface FaultSite extends AsyncDisposable {
  readonly nodes: readonly FaultNode[];
  readonly appUser: string;
  readonly appPassword: string;
  /** Of whoever may change the members. */
  readonly adminPassword: string;
  readonly network: FaultNetwork;
  /** Null where nodes have no disks of their own. */
  readonly disks: FaultDisks | null;
  /** Null where the clocks of nodes cannot be changed. */
  readonly clocks: FaultClocks | null;
  /** What the node says about itself now; null when it gives no answer in time. */
  status(id: string): Promise<NodeStatus | null>;
  /** The process of the node's sidecar, a moment ago; null between two lives. */
  sidecarPid(id: string): number | null;
  /** Of nodes that died of what does not pass by itself, or were stopped: they stay down until `revive`. */
  readonly givenUp: readonly string[];
  /** Why each life of the node's sidecar so far ended, oldest first: a code of the README's table where it gave one. */
  exits(id: string): readonly string[];
  /** Stops a node, as an operator would, whatever its supervisor is about to do. */
  stop(id: string): Promise<void>;
  /** Starts a node that has given up or was stopped, as an operator would. */
  revive(id: string): void;
}

/** What is done to what one node sends another, in that direction alone. */
export interface LinkFault {
  readonly from: string;
  readonly to: string;
  /** `sessions`: only the connections on which one node's proxy passes sessions on to another. */
  readonly traffic: 'everything' | 'sessions';
  /** 1000: nothing arrives. */
  readonly lostPermille: number;
  readonly delayMs: number;
}

/** What was seen of a link from outside. */
export interface LinkProof {
  readonly link: LinkFault;
  readonly confirmed: boolean;
  /** In words: packets dropped, what a probe met. */
  readonly evidence: string;
}

/** The links between nodes. Those of clients are never touched. */
export interface FaultNetwork extends AsyncDisposable {
  readonly kind: 'namespaces' | 'link-proxies';
  /** Sets what is wrong with all links; a link that is not named works. */
  apply(faults: readonly LinkFault[]): Promise<void>;
  /** Sends something along every faulty link and says what became of it. */
  prove(): Promise<readonly LinkProof[]>;
  /** The same of every link between two nodes: that something arrives. */
  proveHealed(): Promise<readonly LinkProof[]>;
}

/** What a node keeps on a disk of its own: its Raft log, or its MySQL server. */
export type DiskPart = 'log' | 'mysql';

/** Disks that fill up, hang or fail. Each says whether it was seen to have happened. */
export interface FaultDisks {
  /** No byte is free any more. */
  fill(id: string, part: DiskPart): Promise<boolean>;
  free(id: string, part: DiskPart): Promise<boolean>;
  /** Whoever writes or syncs waits until the thaw. */
  freeze(id: string, part: DiskPart): Promise<boolean>;
  thaw(id: string, part: DiskPart): Promise<boolean>;
  /** Every write is answered with EIO, mostly when it is synced. What was read before can be read still. */
  fail(id: string, part: DiskPart): Promise<boolean>;
  /** Takes the disk out, checks it and puts it back in, without what it did not take. Nobody may use it meanwhile. */
  mend(id: string, part: DiskPart): Promise<boolean>;
}

/** How a wall clock differs from the true one. */
export interface ClockFault {
  readonly offsetSeconds: number;
  /** 1: seconds are seconds. */
  readonly rate: number;
}

/** The wall clocks of sidecars. Each change says whether the node itself told the changed time. */
export interface FaultClocks {
  set(id: string, fault: ClockFault): Promise<boolean>;
  reset(id: string): Promise<boolean>;
}

/** A moment of a fault, seen from outside. */
export interface FaultEvent {
  /** `performance.now()` of the runner's process. */
  readonly atMs: number;
  /** The fault's place in the plan: its `begin` and its `end` have the same. */
  readonly fault: number;
  /** The kind, such as `partition` or `kill`. */
  readonly nemesis: string;
  /** What of it, such as `leader-in-minority`. */
  readonly variant: string;
  readonly phase: 'begin' | 'end';
  /** Whom it hit, and how that was seen. */
  readonly detail: string;
  /** It really happened, or really was over: as the kernel, the processes or the nodes' own reports have it. */
  readonly confirmed: boolean;
  /** While it lasts, a majority of nodes runs and hears each other: service must go on once that majority has a leader. */
  readonly isMajorityWhole: boolean;
}
