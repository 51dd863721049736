import { randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AdminServer, type TransferReport } from '../admin/admin-server.ts';
import type { LatencyReport } from '../admin/latency-report.ts';
import type { NodeStatus } from '../admin/node-status.ts';
import { assert } from '../base/assert.ts';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { SeededRandom } from '../base/random.ts';
import { type LevelLogStore, openLevelLogStore } from '../log-store/index.ts';
import { Bridge } from '../mysql-bridge/bridge.ts';
import { CommitTimings } from '../mysql-bridge/latency/commit-timings.ts';
import { ledgerPauseMs, TransactionLedger } from '../mysql-bridge/ledger/transaction-ledger.ts';
import type { MySqlInstallation } from '../mysql-bridge/mysql-server.ts';
import { MysqldProcess } from '../mysql-bridge/server/mysqld-process.ts';
import { defaultTuning } from '../mysql-bridge/server/server-config.ts';
import { SourceServer } from '../mysql-bridge/source/source-server.ts';
import { createProxy, defaultProxyLimits, type NodeProxy } from '../proxy/index.ts';
import {
  createRaftNode,
  defaultRaftTimings,
  nodeId,
  type RaftNode,
  TcpTransport,
  voterMember,
} from '../raft/index.ts';
import { bridgeParts, type TailHolder } from './bridge-wiring.ts';
import { changeMembers } from './change-members.ts';
import { clusterFingerprint, initialMembersFingerprint, readSecret } from './config.ts';
import type { MemberConfig, NodeConfig } from './config-schema.ts';
import { latencyReport } from './latency-report-view.ts';
import { locateMySql } from './locate-mysql.ts';
import { nodeStatus } from './node-status-view.ts';
import { proxyView } from './proxy-view.ts';
import { derivePassword, deriveServerId, deriveUuid } from './secrets.ts';
import { stageText } from './stage-text.ts';

export interface NodeOptions {
  readonly config: NodeConfig;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The node cannot go on; the process should close it and end. */
  readonly onFatal: (error: unknown) => void;
  /** Told in words what takes long at a start. */
  readonly onProgress: (text: string) => void;
}

/** Names of internal accounts; nobody logs in with them through the proxy. */
export const internalUser = 'binraft';
const replicaUser = 'binraft-replica';
const startTimeoutMs = 10 * 60 * 1000;

interface Parts {
  readonly store: LevelLogStore;
  readonly raft: RaftNode;
  readonly ledger: TransactionLedger;
  readonly source: SourceServer;
  readonly server: MysqldProcess;
  readonly proxy: NodeProxy;
  readonly bridge: Bridge;
  readonly admin: AdminServer;
}

/**
 * One node: everything in a process, built, opened and closed in one order. What is opened is closed in reverse, whatever
 * fails in between.
 */
export class Node {
  readonly #options: NodeOptions;
  readonly #self: MemberConfig;
  readonly #closers: (() => Promise<void>)[] = [];
  readonly #tail: TailHolder = { current: null };
  readonly #startedMs: number;
  readonly #timings: CommitTimings;
  #parts: Parts | null = null;
  #openTerm: number | null = null;
  #version = '';

  constructor(options: NodeOptions) {
    const self = options.config.members.find((member) => member.id === options.config.node);
    assert(self !== undefined, 'the configuration names this node');
    this.#options = options;
    this.#self = self;
    this.#startedMs = options.clock.monotonicMs();
    this.#timings = new CommitTimings({
      clock: options.clock,
      onAck: (connectionId) => this.#acking(connectionId),
    });
  }

  /** Rejects with FatalError or OperationalError; `close` is due in any case. */
  async open(): Promise<void> {
    const { config, logger, clock, onFatal } = this.#options;
    const installation = await locateMySql(config.mysql.mysqld, { logger, terminal: null });
    this.#version = installation.version;
    const secret = readSecret(config.accounts.clusterSecretFile);

    const store = await openLevelLogStore({
      directory: join(config.dataDirectory, 'log'),
      clusterId: config.clusterId,
      nodeId: nodeId(config.node),
      logger,
      clock,
      onFailure: onFatal,
    });
    this.#closers.push(() => store.close());

    const raft = this.#buildRaft(store);
    this.#closers.push(() => raft.close());

    const ledger = await TransactionLedger.open({
      raft,
      checkpointPath: join(config.dataDirectory, 'ledger.json'),
      pace: { clock, pauseMs: ledgerPauseMs },
      logger,
      onFailure: onFatal,
    });
    this.#closers.push(() => ledger.close());

    const source = this.#buildSource(raft, ledger, installation, secret);
    const server = this.#buildServer(installation, secret);
    const proxy = this.#buildProxy(raft, () => this.#parts?.bridge ?? null);
    const bridge = this.#buildBridge({ raft, ledger, server, proxy, installation, secret });
    const admin = this.#buildAdmin(raft, secret);
    this.#parts = { store, raft, ledger, source, server, proxy, bridge, admin };

    await source.open();
    this.#closers.push(() => source.close());
    await proxy.open();
    this.#closers.push(() => proxy.close());
    raft.onChange(() => this.#publishView());
    bridge.onState((state) => {
      this.#publishView();
      const text = stageText(state);
      if (text !== null) this.#options.onProgress(text);
    });
    await admin.open();
    this.#closers.push(() => admin.close());
    await raft.open();
    this.#closers.push(() => bridge.close());
    if (!existsSync(server.dataDirectory)) this.#options.onProgress('initialising its data folder');
    await bridge.open();
    this.#publishView();
  }

  /**
   * Stops in order, politely where nothing can be lost by it. Unless this node is not `isAlone`: then leadership goes to another
   * one first. A broken node closes what it can and keeps quiet about the rest.
   */
  async close(options: { readonly isAlone: boolean; readonly isBroken: boolean }): Promise<void> {
    const { logger } = this.#options;
    const bridge = this.#parts?.bridge;
    if (bridge?.state.kind === 'primary' && !options.isAlone) {
      const { outcome, reason } = await bridge.transfer(null);
      logger.info('transfer-before-stop', { outcome, reason });
    }
    const failures: unknown[] = [];
    // What comes after a part that cannot be closed is closed all the same.
    for (const close of this.#closers.reverse()) {
      try {
        await close();
      } catch (thrown) {
        logger.warn('close-failed', { reason: String(thrown) });
        failures.push(thrown);
      }
    }
    if (failures.length > 0 && !options.isBroken) throw failures[0];
  }

  /** SIGKILL to mysqld, for when `close` hangs. */
  async killServer(): Promise<void> {
    await this.#parts?.server.kill();
  }

  status(): NodeStatus {
    assert(this.#parts !== null, 'status is asked of a node that was built');
    const { config, clock } = this.#options;
    return nodeStatus({
      ...this.#parts,
      config,
      self: this.#self,
      uptimeMs: clock.monotonicMs() - this.#startedMs,
      isGateOpen: this.#openTerm !== null,
      version: this.#version,
    });
  }

  #latency(): LatencyReport {
    assert(this.#parts !== null, 'latency is asked of a node that was built');
    const { config, clock } = this.#options;
    const { raft, proxy } = this.#parts;
    return latencyReport({
      node: config.node,
      raft: raft.status,
      uptimeMs: clock.monotonicMs() - this.#startedMs,
      timings: this.#timings.snapshot(),
      ackToClient: proxy.timings.snapshot(),
    });
  }

  #acking(connectionId: number): void {
    this.#parts?.proxy.timings.acking(connectionId, this.#options.clock.monotonicMs());
  }

  async #transfer(target: string | null): Promise<TransferReport> {
    assert(this.#parts !== null, 'a transfer is asked of a node that was built');
    const { clock, config } = this.#options;
    const begunMs = clock.monotonicMs();
    const { outcome, reason } = await this.#parts.bridge.transfer(target);
    return {
      outcome,
      reason,
      from: config.node,
      to: outcome === 'handed-over' ? (target ?? this.#parts.raft.status.leaderId) : target,
      durationMs: clock.monotonicMs() - begunMs,
    };
  }

  #publishView(): void {
    if (this.#parts === null) return;
    const { config } = this.#options;
    const { raft, bridge, proxy } = this.#parts;
    proxy.setView(
      proxyView({
        self: config.node,
        members: config.members,
        mysqlPort: config.mysql.port,
        raft: raft.status,
        role: bridge.state,
      }),
    );
  }

  #buildRaft(store: LevelLogStore): RaftNode {
    const { config, logger, clock, onFatal } = this.#options;
    const { tickMs, ...timings } = config.timings;
    const peers = config.members
      .filter((member) => member.id !== config.node)
      .map((member) => ({ id: nodeId(member.id), host: member.host, port: member.raftPort }));
    // Two streams of luck: dials must not change when this node would campaign.
    const random = (): SeededRandom => new SeededRandom(randomInt(2 ** 31));
    return createRaftNode({
      config: {
        ...defaultRaftTimings,
        ...timings,
        self: nodeId(config.node),
        initialMembers: config.members.map((member) =>
          voterMember(nodeId(member.id), { host: member.host, port: member.raftPort }),
        ),
      },
      store,
      transport: new TcpTransport({
        self: nodeId(config.node),
        listen: { host: config.listen.host, port: this.#self.raftPort },
        peers,
        clusterId: config.clusterId,
        fingerprint: clusterFingerprint(config),
        initialMembers: initialMembersFingerprint(config),
        advertise: { host: this.#self.host, port: this.#self.raftPort },
        logger,
        random: random(),
        clock,
      }),
      random: random(),
      clock,
      logger,
      onFatal,
      tickMs,
      isLeaseOn: config.reads === 'lease',
      observer: this.#timings,
    });
  }

  #buildSource(
    raft: RaftNode,
    ledger: TransactionLedger,
    installation: MySqlInstallation,
    secret: string,
  ): SourceServer {
    const { config, logger, clock } = this.#options;
    const { binlog } = config.accounts;
    return new SourceServer({
      listen: { host: config.listen.host, port: config.listen.binlogPort },
      accounts: [
        { user: replicaUser, password: derivePassword(secret, 'replica') },
        ...(binlog === null
          ? []
          : [{ user: binlog.user, password: readSecret(binlog.passwordFile) }]),
      ],
      raft,
      ledger,
      formatDescription: () => this.#tail.current?.formatDescription ?? null,
      // The same on every node: a stock replica that reconnects elsewhere finds the same source.
      serverUuid: deriveUuid(config.clusterId, 'source'),
      serverId: deriveServerId(config.clusterId, 'source'),
      version: installation.version,
      clock,
      logger,
    });
  }

  #buildServer(installation: MySqlInstallation, secret: string): MysqldProcess {
    const { config, logger, clock } = this.#options;
    return new MysqldProcess({
      installation,
      directory: join(config.dataDirectory, 'mysql'),
      port: config.mysql.port,
      adminPort: config.mysql.adminPort,
      serverId: deriveServerId(config.clusterId, config.node),
      account: { user: internalUser, password: derivePassword(secret, 'mysqld') },
      tuning: {
        ...defaultTuning,
        bufferPoolBytes: config.mysql.bufferPoolMiB * 1024 * 1024,
        maxConnections: 2 * config.proxy.sessionsMax + 50,
        extraOptions: Object.fromEntries(
          Object.entries(config.mysql.options).map(([name, value]) => [name, String(value)]),
        ),
      },
      startTimeoutMs,
      clock,
      logger,
    });
  }

  #buildProxy(raft: RaftNode, bridge: () => Bridge | null): NodeProxy {
    const { config, logger, clock } = this.#options;
    const { host } = config.listen;
    return createProxy({
      addresses: {
        readWrite: { host, port: config.listen.readWritePort },
        readOnly: { host, port: config.listen.readOnlyPort },
        forwardReadWrite: { host, port: this.#self.forwardReadWritePort },
        forwardReadOnly: { host, port: this.#self.forwardReadOnlyPort },
      },
      host: { readIndex: () => raft.readIndex(), leaseUntilMs: () => raft.leaseUntilMs() },
      killConnections: async (ids) => await bridge()?.killConnections(ids),
      readMode: config.reads,
      workers: config.proxy.workers,
      limits: {
        ...defaultProxyLimits,
        sessionsMax: config.proxy.sessionsMax,
        failoverWaitMs: config.proxy.failoverWaitMs,
        loginTimeoutMs: config.proxy.loginTimeoutMs,
        idleTimeoutMs: config.proxy.idleTimeoutMs,
      },
      reservedUsers: [internalUser],
      clock,
      logger,
    });
  }

  #buildBridge(parts: {
    readonly raft: RaftNode;
    readonly ledger: TransactionLedger;
    readonly server: MysqldProcess;
    readonly proxy: NodeProxy;
    readonly installation: MySqlInstallation;
    readonly secret: string;
  }): Bridge {
    const { config, logger, clock } = this.#options;
    const { app } = config.accounts;
    const account = { user: internalUser, password: derivePassword(parts.secret, 'mysqld') };
    return new Bridge(
      bridgeParts({
        ...parts,
        account,
        clock,
        logger,
        tail: this.#tail,
        listeners: { timings: this.#timings, commitRounds: parts.proxy.commitRounds },
        dataDirectory: config.dataDirectory,
        dumpServerId: deriveServerId(config.clusterId, `${config.node} dump`),
        dumpUuid: deriveUuid(config.clusterId, `${config.node} dump`),
        gate: {
          openGate: (term) => {
            this.#openTerm = term;
            parts.proxy.openGate(term);
          },
          closeGate: (reason) => {
            this.#openTerm = null;
            parts.proxy.closeGate(reason);
          },
          endLocalReadOnlySessions: () => parts.proxy.endLocalReadOnlySessions(),
          holdStatements: (options) => parts.proxy.holdStatements(options),
          releaseStatements: (outcome) => parts.proxy.releaseStatements(outcome),
        },
      }),
      {
        source: {
          host: config.listen.host === '0.0.0.0' ? '127.0.0.1' : config.listen.host,
          port: config.listen.binlogPort,
          user: replicaUser,
          password: derivePassword(parts.secret, 'replica'),
        },
        appAccount:
          app === null ? null : { user: app.user, password: readSecret(app.passwordFile) },
        probeTimeoutMs: config.mysql.probeTimeoutMs,
        diskTimeoutMs: config.mysql.diskTimeoutMs,
        transferDeadlineMs: config.transferDeadlineMs,
      },
    );
  }

  #buildAdmin(raft: RaftNode, secret: string): AdminServer {
    const { config, logger } = this.#options;
    return new AdminServer({
      listen: { host: config.listen.host, port: this.#self.adminPort },
      self: config.node,
      members: config.members,
      password: derivePassword(secret, 'admin'),
      host: {
        status: () => this.status(),
        latency: () => this.#latency(),
        transfer: (target) => this.#transfer(target),
        changeMembers: (request) => changeMembers(raft, config.members, request),
      },
      logger,
    });
  }
}
