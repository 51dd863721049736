import { codeOf, messageOf } from '../../../base/errors.ts';
import type { MemberConfig } from '../../../cli/config-schema.ts';
import { proxyView } from '../../../cli/proxy-view.ts';
import { deriveUuid } from '../../../cli/secrets.ts';
import { cutBinlog } from '../../../mysql-bridge/binlog-cut.ts';
import { BinlogTail } from '../../../mysql-bridge/binlog-tail.ts';
import { Bridge, type TransferOutcome } from '../../../mysql-bridge/bridge.ts';
import type { BridgeParts } from '../../../mysql-bridge/bridge-parts.ts';
import type { ReadableLog } from '../../../mysql-bridge/ledger/log-reader.ts';
import { LogWalk } from '../../../mysql-bridge/ledger/log-walk.ts';
import {
  ledgerPauseMs,
  TransactionLedger,
} from '../../../mysql-bridge/ledger/transaction-ledger.ts';
import type { RoleState } from '../../../mysql-bridge/role/role-types.ts';
import { NodeProxy } from '../../../proxy/node-proxy.ts';
import { defaultProxyLimits, type ReadMode } from '../../../proxy/options.ts';
import type { RaftConfig } from '../../../raft/core/config.ts';
import { RaftMachine } from '../../../raft/core/machine.ts';
import type { Member } from '../../../raft/core/membership.ts';
import type { Message } from '../../../raft/core/messages.ts';
import { defaultRaftTimings, nodeId, RaftNode } from '../../../raft/index.ts';
import type { RaftChecker } from '../checkers/raft-checker.ts';
import type { Datagrams } from '../kernel/datagrams.ts';
import type { Network } from '../kernel/network.ts';
import type { SimLogDisk } from '../kernel/sim-log-disk.ts';
import { SimLogStore } from '../kernel/sim-log-store.ts';
import { simLogger } from '../kernel/sim-logger.ts';
import type { SimProcess } from '../kernel/sim-process.ts';
import { ObservedMachine } from '../raft/observed-machine.ts';
import { SimTransport } from '../raft/sim-transport.ts';
import { binlogFilesOf } from './binlog-access.ts';
import type { CheckpointFile } from './checkpoint-file.ts';
import type { CommittedLog } from './committed-log.ts';
import type { MysqldHost } from './mysqld-host.ts';
import { SimAdmin } from './sim-admin.ts';
import { type DumpConnections, type DumpObserver, SimDump } from './sim-dump.ts';
import { SimServer } from './sim-server.ts';
import { SimSource, type SourceConnections } from './sim-source.ts';
import { type ProxyWires, portNumbers, simPlatform } from './sim-workers.ts';
import type { AdminConnections } from './sql-channel.ts';

/** Lines that a reader of a short trace wants. */
const newsEvents: ReadonlySet<string> = new Set([
  'role',
  'role-changed',
  'gate-opened',
  'gate-closed',
  'binlog-cut',
  'abdicating',
  'stalled',
]);

function isNews(event: string): boolean {
  return newsEvents.has(event);
}

/** Everything that carries something between processes, shared by all nodes of a run. */
export interface Wires {
  readonly network: Network;
  readonly raft: Datagrams<Message>;
  readonly admin: AdminConnections;
  readonly dump: DumpConnections;
  readonly source: SourceConnections;
  readonly proxy: ProxyWires;
}

/** What a seed decides about the nodes of a run. */
export interface NodeSettings {
  readonly tickMs: number;
  readonly readMode: ReadMode;
  readonly workers: number;
  readonly fragmentBytesMax: number;
  /** Entries between two checkpoints of the ledger; 0 writes none. */
  readonly checkpointEntries: number;
  readonly diesWithParent: boolean;
  readonly probeTimeoutMs: number;
  readonly diskTimeoutMs: number;
  readonly transferDeadlineMs: number;
  readonly raftLimits: Pick<
    RaftConfig,
    'appendEntriesMax' | 'appendBytesMax' | 'uncommittedBytesMax'
  >;
}

export interface SimNodeOptions {
  readonly process: SimProcess;
  readonly disk: SimLogDisk;
  readonly mysqld: MysqldHost;
  readonly checkpoint: CheckpointFile;
  /** It votes and stores: Raft alone, without a server and a proxy. */
  readonly isWitness: boolean;
  readonly initialMembers: readonly Member[];
  /** Of every node; grows. */
  readonly addresses: readonly MemberConfig[];
  readonly wires: Wires;
  readonly settings: NodeSettings;
  readonly log: CommittedLog;
  readonly dumpObserver: DumpObserver;
  readonly raftCheckers: readonly RaftChecker[];
  readonly onRole: (node: SimNode, state: RoleState) => void;
  /** Its gate was opened. */
  readonly onGate: (node: SimNode) => void;
}

/** A sidecar ends itself. A disk that failed is a reason; anything else is a bug. */
export function judgeEnd(process: SimProcess, error: unknown): void {
  if (process.isDead) return;
  const code = codeOf(error);
  if (code?.startsWith('LOG_STORE_') !== true) {
    const rule = error instanceof Error ? error.name : 'exception';
    process.simulation.violated(rule, `${process.name} ends: ${messageOf(error)}`, error);
  }
  process.kill(`fatal ${code ?? ''} ${messageOf(error)}`);
}

const clusterId = 'simulated';
const sourceServerId = 900;
const dumpServerId = 901;
/** What `TransactionLedger` reads of the log in one go goes on at once: a turn of the event loop means nothing here. */
const turn = (): Promise<void> => Promise.resolve();

/**
 * One life of one sidecar: the parts of `cli/node.ts`, built and opened in its order, with what is simulated in the places of disk,
 * network, mysqld and threads. Ends when its process does.
 */
export class SimNode {
  readonly id: string;
  readonly process: SimProcess;
  readonly raft: RaftNode;
  readonly #options: SimNodeOptions;
  #bridge: Bridge | null = null;
  #proxy: NodeProxy | null = null;
  #ledger: TransactionLedger | null = null;
  #tail: BinlogTail | null = null;
  #openTerm: number | null = null;

  /** Throws as the opening of the log store does: then the process must end. */
  constructor(options: SimNodeOptions) {
    this.#options = options;
    this.process = options.process;
    this.id = options.process.host.name;
    this.raft = this.#buildRaft();
  }

  get bridge(): Bridge | null {
    return this.#bridge;
  }

  get ledger(): TransactionLedger | null {
    return this.#ledger;
  }

  /** The term that the gate is open under. */
  get openTerm(): number | null {
    return this.#openTerm;
  }

  /** Rejects as `Node.open` does; the process must end then. */
  async open(): Promise<void> {
    const { process, addresses, mysqld, checkpoint, wires, settings, isWitness, log } =
      this.#options;
    if (isWitness) {
      log.watch(this.raft, process);
      await this.raft.open();
      return;
    }
    const logger = simLogger(process, isNews);
    const readable = this.#readableLog();
    const { checkpointEntries } = settings;
    const ledger = await TransactionLedger.open({
      raft: readable,
      checkpointPath: checkpointEntries === 0 ? null : 'ledger.json',
      checkpointFiles: checkpoint.filesOf(process),
      // Small ones, so that a scan for what a server lacks begins at a mark, too.
      limits: { checkpointEntries, markEntries: 16, marksMax: 32 },
      pace: { clock: process.clock, pauseMs: ledgerPauseMs },
      logger,
      onFailure: (error) => this.#fatal(error),
    });
    this.#ledger = ledger;
    checkpoint.opened(ledger.ledgerIndex);
    const source = new SimSource({
      process,
      log: readable,
      ledger,
      serverId: sourceServerId,
      logger,
      formatDescription: () => this.#tail?.formatDescription ?? null,
    });
    const server = new SimServer({
      process,
      mysqld,
      connections: wires.admin,
      diesWithParent: settings.diesWithParent,
    });
    const proxy = this.#buildProxy();
    const bridge = new Bridge(this.#bridgeParts({ ledger, server, proxy }), {
      source: { host: '127.0.0.1', port: 0, user: '', password: '' },
      appAccount: null,
      probeTimeoutMs: settings.probeTimeoutMs,
      diskTimeoutMs: settings.diskTimeoutMs,
      transferDeadlineMs: settings.transferDeadlineMs,
    });
    this.#proxy = proxy;
    this.#bridge = bridge;
    const publish = (): void =>
      proxy.setView(
        proxyView({
          self: this.id,
          members: addresses,
          mysqlPort: portNumbers.mysql,
          raft: this.raft.status,
          role: bridge.state,
        }),
      );

    source.listen(wires.source);
    await proxy.open();
    this.raft.onChange(publish);
    bridge.onState((state) => {
      publish();
      this.#options.onRole(this, state);
    });
    log.watch(this.raft, process);
    await this.raft.open();
    await bridge.open();
    publish();
  }

  transfer(target: string | null): Promise<TransferOutcome> {
    const bridge = this.#bridge;
    if (bridge !== null) return bridge.transfer(target);
    return Promise.resolve({ outcome: 'refused', reason: 'the node is starting' });
  }

  /** SIGTERM: as `Node.close`, part by part in its order, and the process ends. */
  async close(): Promise<void> {
    const { process } = this.#options;
    const bridge = this.#bridge;
    if (bridge?.state.kind === 'primary') await bridge.transfer(null);
    await bridge?.close();
    await this.#proxy?.close();
    await this.#ledger?.close();
    await this.raft.close();
    process.kill('closed');
  }

  #fatal(error: unknown): void {
    judgeEnd(this.process, error);
  }

  #readableLog(): ReadableLog {
    const { raft } = this;
    return {
      get status() {
        return raft.status;
      },
      read: (range) => raft.read(range),
      onChange: (listener) => raft.onChange(listener),
      turn,
    };
  }

  #buildRaft(): RaftNode {
    const { process, disk, isWitness, initialMembers, wires, settings, raftCheckers } =
      this.#options;
    const { simulation, clock } = process;
    const self = nodeId(this.id);
    const store = new SimLogStore(process, disk);
    const config = {
      ...defaultRaftTimings,
      ...settings.raftLimits,
      self,
      initialMembers,
      isStateless: isWitness,
    };
    const random = simulation.random(`raft ${this.id}`);
    const machine = new ObservedMachine({
      id: self,
      disk,
      process,
      machine: new RaftMachine({ config, random, restored: store.opened }),
      checkers: raftCheckers,
    });
    return new RaftNode({
      config,
      machine,
      store,
      transport: new SimTransport({
        process,
        network: wires.network,
        datagrams: wires.raft,
        processOf: (peer) => `${peer}/sidecar`,
        onSend: (to, message) => {
          for (const checker of raftCheckers) checker.sent?.(machine, to, message);
        },
      }),
      clock,
      logger: simLogger(process, isNews),
      onFatal: (error) => this.#fatal(error),
      tickMs: settings.tickMs,
      isLeaseOn: settings.readMode === 'lease',
      afterPendingIo: (callback) => process.afterPendingIo(callback),
    });
  }

  #buildProxy(): NodeProxy {
    const { process, wires, settings } = this.#options;
    const address = (port: number): { readonly host: string; readonly port: number } => ({
      host: this.id,
      port,
    });
    return new NodeProxy(
      {
        addresses: {
          readWrite: address(portNumbers.readWrite),
          readOnly: address(portNumbers.readOnly),
          forwardReadWrite: address(portNumbers.forwardReadWrite),
          forwardReadOnly: address(portNumbers.forwardReadOnly),
        },
        host: {
          readIndex: () => this.raft.readIndex(),
          leaseUntilMs: () => this.raft.leaseUntilMs(),
        },
        killConnections: async (ids) => await this.#bridge?.killConnections(ids),
        readMode: settings.readMode,
        workers: settings.workers,
        limits: defaultProxyLimits,
        reservedUsers: [],
        clock: process.clock,
        logger: simLogger(process, isNews),
      },
      simPlatform(process, wires.proxy),
    );
  }

  #bridgeParts(parts: {
    readonly ledger: TransactionLedger;
    readonly server: SimServer;
    readonly proxy: NodeProxy;
  }): BridgeParts {
    const { process, mysqld, wires } = this.#options;
    const { ledger, server, proxy } = parts;
    return {
      raft: this.raft,
      server,
      ledger,
      clock: process.clock,
      logger: simLogger(process, isNews),
      gate: {
        openGate: (term) => {
          this.#openTerm = term;
          proxy.openGate(term);
          this.#options.onGate(this);
        },
        closeGate: (reason) => {
          this.#openTerm = null;
          proxy.closeGate(reason);
        },
        endLocalReadOnlySessions: () => proxy.endLocalReadOnlySessions(),
        holdStatements: (options) => proxy.holdStatements(options),
        releaseStatements: (outcome) => proxy.releaseStatements(outcome),
      },
      connectAdmin: () =>
        SimAdmin.connect({ process, connections: wires.admin, server: mysqld.name }),
      createTail: () => this.#createTail(),
      cutBinlog: async (isCommitted) => {
        const cut = await cutBinlog({
          dataDirectory: server.dataDirectory,
          baseName: 'binlog',
          isCommitted,
          logged: new LogWalk({ log: this.#readableLog(), ledger }),
          saveDirectory: null,
          files: binlogFilesOf(mysqld, process),
        });
        return cut.kind === 'cut' ? cut.gtids : [];
      },
    };
  }

  #createTail(): BinlogTail {
    const { process, mysqld, wires, settings, dumpObserver } = this.#options;
    const replicaUuid = deriveUuid(clusterId, `${this.id} dump`);
    this.#tail = new BinlogTail({
      socketPath: '',
      account: { user: '', password: '' },
      serverId: dumpServerId,
      replicaUuid,
      raft: this.raft,
      ...(this.#proxy !== null && { commitRounds: this.#proxy.commitRounds }),
      isLogged: (gtid) => this.#ledger?.hasTransaction(gtid) ?? false,
      clock: process.clock,
      logger: simLogger(process, isNews),
      fragmentBytesMax: settings.fragmentBytesMax,
      openDump: ({ loginTimeoutMs }) =>
        SimDump.open({
          process,
          connections: wires.dump,
          server: mysqld.name,
          replicaUuid,
          timeoutMs: loginTimeoutMs,
          observer: dumpObserver,
        }),
    });
    return this.#tail;
  }
}
