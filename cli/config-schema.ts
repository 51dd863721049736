import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { isNodeId } from '../raft/core/types.ts';

/** One member of the cluster, equal on all nodes. */
export interface MemberConfig {
  /** Names the node for ever. */
  readonly id: string;
  /** Where the other nodes reach it. */
  readonly host: string;
  readonly raftPort: number;
  readonly adminPort: number;
  /** Where other nodes send the sessions of their read-write port, while this one leads. */
  readonly forwardReadWritePort: number;
  /** Where other nodes send the sessions of their read-only port, while this one follows. */
  readonly forwardReadOnlyPort: number;
}

/** An account by name, its password in a file of mode 600. */
export interface AccountConfig {
  readonly user: string;
  readonly passwordFile: string;
}

/**
 * How many threads carry client traffic unless the settings say it: mysqld and the node's main thread need processors, too, and one thread
 * with more sessions makes fewer system calls than two with half of them (bench/README.md).
 */
export function proxyWorkersOf(processors: number): number {
  return Math.min(4, Math.max(1, Math.floor(processors / 2)));
}

/** A node's whole configuration, complete; after `readNodeConfig` its paths are absolute. */
export interface NodeConfig {
  readonly clusterId: string;
  readonly members: readonly MemberConfig[];
  readonly timings: {
    readonly tickMs: number;
    readonly heartbeatTicks: number;
    readonly electionTicksMin: number;
    readonly electionTicksMax: number;
  };
  /** `read-index` asks a quorum before each answer; `lease` trusts the leader's clock for a while. */
  readonly reads: 'read-index' | 'lease';
  readonly node: string;
  readonly dataDirectory: string;
  readonly listen: {
    readonly host: string;
    readonly readWritePort: number;
    readonly readOnlyPort: number;
    readonly binlogPort: number;
  };
  readonly mysql: {
    readonly mysqld: string;
    readonly port: number;
    readonly adminPort: number;
    readonly bufferPoolMiB: number;
    readonly options: Readonly<Record<string, string | number | boolean>>;
    readonly probeTimeoutMs: number;
    readonly diskTimeoutMs: number;
  };
  readonly accounts: {
    readonly clusterSecretFile: string;
    readonly app: AccountConfig | null;
    readonly binlog: AccountConfig | null;
  };
  readonly proxy: {
    /** Threads that carry client traffic. */
    readonly workers: number;
    readonly sessionsMax: number;
    readonly failoverWaitMs: number;
    readonly loginTimeoutMs: number;
    readonly idleTimeoutMs: number;
  };
  readonly transferDeadlineMs: number;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
}

export const tickMsMin = 5;
export const tickMsMax = 1000;

const port = z.int().min(1).max(65_535);
const host = z.string().min(1).max(253);
const nodeIdText = z.string().refine(isNodeId, 'lower-case letters, digits and dashes, at most 32');
const userName = z.string().min(1).max(32);

const memberSchema = z.strictObject({
  /** Names the node for ever. */
  id: nodeIdText,
  /** Where the other nodes reach it. */
  host,
  raftPort: port,
  adminPort: port,
  /** Where other nodes send the sessions of their read-write port, while this one leads. */
  forwardReadWritePort: port,
  /** Where other nodes send the sessions of their read-only port, while this one follows. */
  forwardReadOnlyPort: port,
});

const timingsSchema = z
  .strictObject({
    /** Length of a Raft tick. */
    tickMs: z.int().min(tickMsMin).max(tickMsMax).default(25),
    heartbeatTicks: z.int().min(1).max(100).default(4),
    electionTicksMin: z.int().min(3).max(1000).default(20),
    electionTicksMax: z.int().min(4).max(2000).default(40),
  })
  .refine((timings) => timings.electionTicksMin > 2 * timings.heartbeatTicks, {
    path: ['electionTicksMin'],
    message: 'must be more than twice heartbeatTicks: one lost heartbeat is no reason to campaign',
  })
  .refine((timings) => timings.electionTicksMax > timings.electionTicksMin, {
    path: ['electionTicksMax'],
    message: 'must be above electionTicksMin, or nodes campaign at the same moment',
  });

const accountSchema = z.strictObject({ user: userName, passwordFile: z.string().min(1) });

export const nodeSchema: z.ZodType<NodeConfig> = z
  .strictObject({
    // Equal on all nodes; a fingerprint of these four is compared at every connection between nodes.
    clusterId: z.string().regex(/^[A-Za-z0-9-]{8,64}$/, '8 to 64 letters, digits and dashes'),
    members: z.array(memberSchema).min(1).max(7),
    timings: timingsSchema.prefault({}),
    /** `read-index` asks a quorum before each answer; `lease` trusts the leader's clock for a while. */
    reads: z.enum(['read-index', 'lease']).default('read-index'),

    // This node's own.
    node: nodeIdText,
    dataDirectory: z.string().min(1),
    listen: z.strictObject({
      /** Address of all listeners. Loopback unless you mean otherwise: there is no TLS yet. */
      host: host.default('127.0.0.1'),
      readWritePort: port,
      readOnlyPort: port,
      binlogPort: port,
    }),
    mysql: z.strictObject({
      /** mysqld to run; empty finds one: on PATH, or one fetched earlier. */
      mysqld: z.string().default(''),
      /** Loopback only. */
      port,
      adminPort: port,
      bufferPoolMiB: z.int().min(5).max(1_048_576).default(128),
      /** Further mysqld options, by name. Those that safety depends on are refused. */
      options: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
      /** A mysqld that does not answer `SELECT 1` for this long is given up. */
      probeTimeoutMs: z.int().min(200).max(60_000).default(3000),
      diskTimeoutMs: z.int().min(1000).max(600_000).default(5000),
    }),
    accounts: z.strictObject({
      /** Shared secret of the cluster; the passwords nodes use among themselves are derived from it. */
      clusterSecretFile: z.string().min(1),
      /** Created by the first primary, for applications: all data and schema privileges, no administrative ones. */
      app: accountSchema.nullable().default(null),
      /** May read the binlog port: for stock replicas and mysqlbinlog. */
      binlog: accountSchema.nullable().default(null),
    }),
    proxy: z
      .strictObject({
        workers: z.int().min(1).max(64).default(proxyWorkersOf(availableParallelism())),
        sessionsMax: z.int().min(1).max(65_536).default(1000),
        /** A new connection waits this long for a primary before it gets an error. */
        failoverWaitMs: z.int().min(0).max(600_000).default(10_000),
        loginTimeoutMs: z.int().min(100).max(600_000).default(9000),
        /** 0: idle sessions are left to mysqld's `wait_timeout`. */
        idleTimeoutMs: z.int().min(0).default(0),
      })
      .prefault({}),
    /** A transfer holds statements and waits for open transactions at most this long. */
    transferDeadlineMs: z.int().min(100).max(600_000).default(5000),
    logLevel: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  })
  .superRefine((config, context) => {
    const ids = config.members.map((member) => member.id);
    if (new Set(ids).size !== ids.length) {
      context.addIssue({ code: 'custom', path: ['members'], message: 'ids must differ' });
    }
    if (config.members.length % 2 === 0) {
      const message =
        'must be odd: an even number of voters survives no more failures, and is slower';
      context.addIssue({ code: 'custom', path: ['members'], message });
    }
    if (!ids.includes(config.node)) {
      const message = `must be one of the members: ${ids.join(', ')}`;
      context.addIssue({ code: 'custom', path: ['node'], message });
    }
  });
