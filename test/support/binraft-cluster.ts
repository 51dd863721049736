import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ClusterStatus, NodeStatus } from '../../admin/node-status.ts';
import { fetchCluster, requestTransfer } from '../../cli/admin-client.ts';
import { localPorts } from '../../cli/local-cluster.ts';
import { eventually, until } from './eventually.ts';
import { isDead, kill, lifeOf, processesNaming } from './processes.ts';

const main = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
const loopback = '127.0.0.1';

/** One node as tests see it. */
export interface TestNode {
  readonly id: string;
  readonly readWritePort: number;
  readonly readOnlyPort: number;
  readonly adminPort: number;
  readonly binlogPort: number;
  readonly mysqlSocket: string;
  readonly directory: string;
}

export interface TestClusterOptions {
  readonly nodeCount?: number;
  /** Nodes use `basePort + 101` and on. Test files that run beside each other take different ones. */
  readonly basePort: number;
  /** Kept when given; otherwise a temporary folder that is removed in the end. */
  readonly directory?: string;
  readonly args?: readonly string[];
  /** In front of the command, such as `setpriv --pdeathsig KILL`. */
  readonly launcher?: readonly string[];
  /** Ends `binraft up` when it aborts; a start under way rejects then. */
  readonly signal?: AbortSignal;
  /** For tests in which nobody but they may change the leader, however long a process gets no CPU. */
  readonly isPatient?: boolean;
}

/** Of a patient cluster: nobody campaigns before a leader was silent for four seconds. */
const patientTickMs = 200;

/**
 * A whole cluster as a user starts it: `binraft up` and its processes, in a folder of its own. Disposal kills every process
 * of it. What `up` printed is in `output`.
 */
export class BinraftCluster implements AsyncDisposable {
  readonly directory: string;
  readonly basePort: number;
  readonly nodes: readonly TestNode[];
  readonly #options: TestClusterOptions;
  readonly #isTemporary: boolean;
  #up: ChildProcess | null = null;
  output = '';

  private constructor(options: TestClusterOptions) {
    this.#options = options;
    this.basePort = options.basePort;
    this.#isTemporary = options.directory === undefined;
    this.directory = options.directory ?? mkdtempSync(join(tmpdir(), 'binraft-e2e-'));
    this.nodes = Array.from({ length: options.nodeCount ?? 3 }, (_, index) => {
      const id = `n${index + 1}`;
      const ports = localPorts(options.basePort, index + 1);
      return {
        id,
        readWritePort: ports.readWrite,
        readOnlyPort: ports.readOnly,
        adminPort: ports.admin,
        binlogPort: ports.binlog,
        mysqlSocket: '',
        directory: join(this.directory, id),
      };
    });
  }

  static async start(options: TestClusterOptions): Promise<BinraftCluster> {
    const cluster = new BinraftCluster(options);
    try {
      await cluster.up();
    } catch (thrown) {
      await cluster[Symbol.asyncDispose]();
      throw thrown;
    }
    return cluster;
  }

  get appPassword(): string {
    return readFileSync(join(this.directory, 'app.password'), 'utf8').trim();
  }

  node(id: string): TestNode {
    const found = this.nodes.find((node) => node.id === id);
    if (found === undefined) throw new Error(`no node ${id}`);
    return found;
  }

  /** Starts `binraft up` and waits for its table. */
  async up(): Promise<void> {
    const [program = '', ...launcherArgs] = [...(this.#options.launcher ?? []), process.execPath];
    const child = spawn(
      program,
      [
        ...launcherArgs,
        main,
        'up',
        '--data-dir',
        this.directory,
        '--base-port',
        String(this.basePort),
        ...(this.#options.nodeCount === undefined ? [] : ['--nodes', String(this.nodes.length)]),
        ...(this.#options.isPatient === true ? ['--tick-ms', String(patientTickMs)] : []),
        ...(this.#options.args ?? []),
      ],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        killSignal: 'SIGKILL',
        ...(this.#options.signal !== undefined && { signal: this.#options.signal }),
      },
    );
    this.#up = child;
    this.output = '';
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const read = (chunk: Buffer): void => {
      this.output += chunk.toString();
      if (this.output.includes('Ctrl-C stops the cluster')) resolve();
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('error', reject);
    child.once('exit', (status) => reject(new Error(`up ended with ${status}:\n${this.output}`)));
    await promise;
  }

  /** As Ctrl-C; settles with the exit status when `up` is gone. */
  async stop(): Promise<number | null> {
    const child = this.#up;
    if (child === null || child.exitCode !== null) return child?.exitCode ?? null;
    const gone = new Promise<number | null>((resolve) => child.once('exit', resolve));
    child.kill('SIGINT');
    const status = await gone;
    this.#up = null;
    return status;
  }

  /** SIGKILL to `binraft up` alone: its nodes notice by themselves. */
  killUp(): void {
    this.#up?.kill('SIGKILL');
  }

  /** SIGKILL to every process of the cluster at once: `up`, sidecars, servers. Their ports and files are free afterwards. */
  async killEverything(): Promise<void> {
    const child = this.#up;
    const dying = this.processIds().map(lifeOf);
    const gone =
      child === null || child.exitCode !== null || child.signalCode !== null
        ? Promise.resolve(null)
        : new Promise((resolve) => child.once('exit', resolve));
    child?.kill('SIGKILL');
    for (const { pid } of dying) kill(pid, 'SIGKILL');
    await gone;
    this.#up = null;
    await until(() => {
      // Started by one that was about to be killed.
      for (const pid of this.processIds()) {
        dying.push(lifeOf(pid));
        kill(pid, 'SIGKILL');
      }
      return dying.every(isDead);
    }, 'every process of the cluster is gone');
  }

  /** Live processes whose command line names this cluster's folder: sidecars, servers and their wrappers. */
  processIds(): number[] {
    return processesNaming(this.directory).filter(
      (pid) => pid !== process.pid && pid !== this.#up?.pid,
    );
  }

  /** As any node that answers sees it; rejects when none does. */
  async status(): Promise<ClusterStatus> {
    const attempts = this.nodes.map((node) => fetchCluster(loopback, node.adminPort));
    return await Promise.any(attempts);
  }

  async nodeStatus(id: string): Promise<NodeStatus> {
    const response = await fetch(`http://${loopback}:${this.node(id).adminPort}/status`, {
      signal: AbortSignal.timeout(5000),
    });
    return (await response.json()) as NodeStatus;
  }

  /** What a node wrote to its log in all its lives, oldest first. */
  logOf(id: string): readonly unknown[] {
    const text = readFileSync(join(this.node(id).directory, 'node.log'), 'utf8');
    // What node itself prints is no event, and the last line may not be complete.
    const lines = text.split('\n').filter((line) => line.startsWith('{') && line.endsWith('}'));
    return lines.map((line): unknown => JSON.parse(line));
  }

  /** The node whose primary serves; waits for one. Its server runs, unless it died a moment ago. */
  async leader(): Promise<ServingNode> {
    return await eventually(async () => {
      const cluster = await this.status();
      const serving = cluster.nodes.flatMap((member) =>
        member.kind === 'reached' ? servingNode(member.status) : [],
      );
      return serving.sort((left, right) => right.raft.term - left.raft.term)[0] ?? null;
    }, 'a primary serves');
  }

  /** Waits until one node is primary, all others are its replicas, and everything committed is applied everywhere. */
  async settled(): Promise<readonly NodeStatus[]> {
    return await eventually(async () => {
      const { nodes } = await this.status();
      const statuses = nodes.flatMap((member) =>
        member.kind === 'reached' ? [member.status] : [],
      );
      return statuses.length === this.nodes.length && isSettled(statuses) ? statuses : null;
    }, 'all nodes are settled');
  }

  /** Asked of the first node, whoever leads; waits until that one knows who does. */
  async transfer(target: string | null): ReturnType<typeof requestTransfer> {
    const [first] = this.nodes;
    if (first === undefined) throw new Error('a cluster has nodes');
    await eventually(async () => {
      const leader = await this.leader();
      const { raft } = await this.nodeStatus(first.id);
      return raft.leaderId === leader.node && raft.term === leader.raft.term ? true : null;
    }, `${first.id} knows the leader`);
    return await requestTransfer({ host: loopback, port: first.adminPort }, target);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.killEverything();
    // Kept for a look at its logs when asked for.
    if (this.#isTemporary && process.env['BINRAFT_TEST_KEEP'] === undefined)
      rmSync(this.directory, { recursive: true, force: true });
  }
}

/** A primary with its gate open, and its server's process. */
export type ServingNode = NodeStatus & { readonly mysql: { readonly pid: number } };

function servingNode(status: NodeStatus): ServingNode[] {
  const { mysql, proxy } = status;
  if (!proxy.isGateOpen || mysql.pid === null) return [];
  return [{ ...status, mysql: { ...mysql, pid: mysql.pid } }];
}

/** One is primary, all others are its replicas, and everything committed is applied everywhere. */
export function isSettled(statuses: readonly NodeStatus[]): boolean {
  const primary = statuses.find((status) => status.mysql.role === 'primary');
  return (
    primary !== undefined &&
    statuses.every(
      ({ node, raft, mysql }) =>
        mysql.role === (node === primary.node ? 'primary' : 'replica') &&
        raft.leaderId === primary.node &&
        raft.term === primary.raft.term &&
        raft.commitIndex === primary.raft.commitIndex &&
        mysql.appliedIndex === raft.commitIndex &&
        mysql.logHashIndex === primary.mysql.logHashIndex,
    )
  );
}
