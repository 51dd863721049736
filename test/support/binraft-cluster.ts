import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ClusterStatus, NodeStatus } from '../../admin/node-status.ts';
import { fetchCluster, requestTransfer } from '../../cli/admin-client.ts';
import { localPorts } from '../../cli/local-cluster.ts';

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
}

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

  /** SIGKILL to every process of the cluster at once: `up`, sidecars, servers. */
  async killEverything(): Promise<void> {
    const child = this.#up;
    const pids = this.processIds();
    const gone =
      child === null || child.exitCode !== null || child.signalCode !== null
        ? Promise.resolve(null)
        : new Promise((resolve) => child.once('exit', resolve));
    child?.kill('SIGKILL');
    for (const pid of pids) kill(pid, 'SIGKILL');
    await gone;
    this.#up = null;
    await until(() => this.processIds().length === 0, 'every process of the cluster is gone');
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

  /** The node whose primary serves; waits for one. */
  async leader(): Promise<NodeStatus> {
    return await eventually(async () => {
      const cluster = await this.status();
      const serving = cluster.nodes.flatMap((member) =>
        member.kind === 'reached' && member.status.proxy.isGateOpen ? [member.status] : [],
      );
      return serving.sort((left, right) => right.raft.term - left.raft.term)[0] ?? null;
    }, 'a primary serves');
  }

  /** Waits until one node is primary, all others are replicas, and everything committed is applied everywhere. */
  async settled(timeoutMs = 60_000): Promise<readonly NodeStatus[]> {
    return await eventually(
      async () => {
        const { nodes } = await this.status();
        const statuses = nodes.flatMap((member) =>
          member.kind === 'reached' ? [member.status] : [],
        );
        const [first] = statuses;
        const isSettled =
          first !== undefined &&
          statuses.length === this.nodes.length &&
          statuses.filter((status) => status.mysql.role === 'primary').length === 1 &&
          statuses.every((status) => ['primary', 'replica'].includes(status.mysql.role)) &&
          statuses.every((status) => status.raft.commitIndex === first.raft.commitIndex) &&
          statuses.every((status) => status.raft.appliedIndex === status.raft.commitIndex) &&
          statuses.every((status) => status.mysql.logHashIndex === first.mysql.logHashIndex);
        return isSettled ? statuses : null;
      },
      'all nodes are settled',
      timeoutMs,
    );
  }

  async transfer(target: string | null): ReturnType<typeof requestTransfer> {
    const [first] = this.nodes;
    return await requestTransfer({ host: loopback, port: first?.adminPort ?? 0 }, target);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.killEverything();
    // Kept for a look at its logs when asked for.
    if (this.#isTemporary && process.env['BINRAFT_TEST_KEEP'] === undefined)
      rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Processes whose arguments contain a text; zombies have none. */
export function processesNaming(text: string): number[] {
  return readdirProc().filter((pid) => commandLine(pid).includes(text));
}

function readdirProc(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

/** A signal to a process that may be gone already. */
export function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone already, which is what a kill is for.
  }
}

const pollMs = 50;

/** Asks until the answer is not null; rejections count as "not yet". */
export async function eventually<Answer>(
  ask: () => Promise<Answer | null>,
  what: string,
  timeoutMs = 60_000,
): Promise<Answer> {
  const deadline = performance.now() + timeoutMs;
  let last: unknown = null;
  while (performance.now() < deadline) {
    const answer = await ask().catch((thrown: unknown) => {
      last = thrown;
      return null;
    });
    if (answer !== null) return answer;
    await delay(pollMs);
  }
  throw new Error(`waited ${timeoutMs} ms in vain until ${what}`, { cause: last });
}

export async function until(condition: () => boolean, what: string): Promise<void> {
  await eventually(async () => (condition() ? true : null), what);
}
