import Fastify, { type FastifyError, type FastifyInstance } from 'fastify';
import { Registry } from 'prom-client';
import { codeOf, messageOf } from '../base/errors.ts';
import { FatalError } from '../base/fatal.ts';
import type { Logger } from '../base/logger.ts';
import { registerLatencyMetrics } from './latency-metrics.ts';
import type { ClusterLatency, LatencyReport } from './latency-report.ts';
import {
  isAuthorized,
  type MemberReport,
  type MemberRequest,
  memberRequestOf,
} from './member-change.ts';
import { registerMetrics } from './metrics.ts';
import type { ClusterStatus, NodeStatus, UnreachableMember } from './node-status.ts';

/** How a transfer asked for over HTTP ended. */
export interface TransferReport {
  /** `unknown`: the leader was asked and did not answer. */
  readonly outcome: 'handed-over' | 'aborted' | 'refused' | 'unknown';
  readonly reason: string;
  readonly from: string;
  readonly to: string | null;
  readonly durationMs: number;
}

/** What the admin server asks of its node. */
export interface AdminHost {
  status(): NodeStatus;
  latency(): LatencyReport;
  /** Hands leadership from this node to `target`; null chooses the best follower. Never rejects. */
  transfer(target: string | null): Promise<TransferReport>;
  /** Changes the members, as the leader of them. Never rejects. */
  changeMembers(request: MemberRequest): Promise<MemberReport>;
}

/** Another member's admin port. */
export interface AdminPeer {
  readonly id: string;
  readonly host: string;
  readonly adminPort: number;
}

export interface AdminServerOptions {
  readonly listen: { readonly host: string; readonly port: number };
  readonly self: string;
  readonly members: readonly AdminPeer[];
  /** Of whoever may change the members; the same on every node. */
  readonly password: string;
  readonly host: AdminHost;
  readonly logger: Logger;
}

const peerTimeoutMs = 1500;
const passedOnTimeoutMs = 60_000;
const bodyBytesMax = 16 * 1024;
const routes = [
  '/health',
  '/ready',
  '/status',
  '/cluster',
  '/latency',
  '/cluster/latency',
  '/metrics',
];
/** Names the node that passed a request on: nobody passes it on again, while nodes disagree about who leads. */
const passedOnHeader = 'x-binraft-passed-on-by';

/**
 * HTTP on the admin port: health, readiness, status, metrics, and what an operator can order so far. A request for the leader
 * that arrives elsewhere is passed on, so that any node's port will do.
 */
export class AdminServer {
  readonly #options: AdminServerOptions;
  readonly #http: FastifyInstance;
  readonly #registry = new Registry();

  constructor(options: AdminServerOptions) {
    this.#options = options;
    this.#http = Fastify({ logger: false, bodyLimit: bodyBytesMax, forceCloseConnections: true });
    registerMetrics(this.#registry, () => options.host.status());
    registerLatencyMetrics(this.#registry, () => options.host.latency());
    this.#refusals();
    this.#routes();
  }

  /** Rejects FatalError PORT_TAKEN. */
  async open(): Promise<void> {
    const { host, port } = this.#options.listen;
    try {
      await this.#http.listen({ host, port });
    } catch (cause) {
      if (codeOf(cause) !== 'EADDRINUSE') throw cause;
      throw new FatalError('PORT_TAKEN', `admin port ${host}:${port} is taken`, { cause });
    }
  }

  async close(): Promise<void> {
    await this.#http.close();
  }

  /** Whatever HTTP itself finds wrong with a request has the same shape as what we find wrong. */
  #refusals(): void {
    this.#http.setErrorHandler((thrown: FastifyError, _request, reply) => {
      const status = thrown.statusCode ?? 500;
      if (status < 500) {
        return reply.code(status).send({ code: 'ADMIN_BAD_REQUEST', message: thrown.message });
      }
      this.#options.logger.error('admin-failed', { message: thrown.message, stack: thrown.stack });
      return reply.code(status).send({ code: 'ADMIN_REFUSED', message: thrown.message });
    });
    this.#http.setNotFoundHandler((request, reply) => {
      const message = `no route ${request.method} ${request.url}; there are GET ${routes.join(' ')}, POST /transfer /members`;
      return reply.code(404).send({ code: 'ADMIN_BAD_REQUEST', message });
    });
  }

  #routes(): void {
    const { host } = this.#options;
    this.#http.get('/health', () => ({ status: 'alive' }));
    this.#http.get('/ready', (_request, reply) => {
      const { raft, mysql } = host.status();
      const isReady = raft.leaderId !== null && mysql.health === 'ok';
      return reply.code(isReady ? 200 : 503).send({ ready: isReady, role: mysql.role });
    });
    this.#http.get('/status', () => host.status());
    this.#http.get('/cluster', () => this.#cluster());
    this.#http.get('/latency', () => host.latency());
    this.#http.get('/cluster/latency', () => this.#clusterLatency());
    this.#http.get('/metrics', async (_request, reply) => {
      return reply.type(this.#registry.contentType).send(await this.#registry.metrics());
    });
    this.#http.post('/transfer', (request, reply) => {
      const target = transferTarget(request.body);
      if (target === undefined || (target !== null && !this.#isMember(target))) {
        return reply.code(400).send({
          code: 'ADMIN_BAD_REQUEST',
          message: `the body is {"target": NODE} or {"target": null}; ${this.#nodesText()}`,
        });
      }
      return this.#transfer(target, request.headers[passedOnHeader] !== undefined);
    });
    this.#http.post('/members', (request, reply) => {
      if (!isAuthorized(request.headers.authorization, this.#options.password)) {
        const message =
          'changes of members need the header Authorization: Bearer and the password derived from the cluster secret';
        return reply.code(401).send({ code: 'ADMIN_UNAUTHORIZED', message });
      }
      const change = memberRequestOf(request.body);
      if (change === null || !this.#isMember(change.node)) {
        const message = `the body is {"add": NODE} or {"remove": NODE}; ${this.#nodesText()}`;
        return reply.code(400).send({ code: 'ADMIN_BAD_REQUEST', message });
      }
      return this.#changeMembers(change, request.headers[passedOnHeader] !== undefined);
    });
  }

  #nodesText(): string {
    return `nodes are ${this.#options.members.map(({ id }) => id).join(', ')}`;
  }

  #isMember(id: string): boolean {
    return this.#options.members.some((member) => member.id === id);
  }

  async #transfer(target: string | null, isPassedOn: boolean): Promise<TransferReport> {
    const { host } = this.#options;
    const { raft } = host.status();
    if (raft.leaderId === target && target !== null) {
      const reason = `${target} leads already`;
      return { outcome: 'refused', reason, from: target, to: target, durationMs: 0 };
    }
    const leader = isPassedOn ? null : this.#leaderElsewhere();
    if (leader === null) return await host.transfer(target);
    const passedOn = await this.#passOn<TransferReport>(leader, '/transfer', {
      body: { target },
    });
    return passedOn.outcome === 'answered'
      ? passedOn.report
      : { ...passedOn, from: leader.id, to: target, durationMs: 0 };
  }

  async #changeMembers(request: MemberRequest, isPassedOn: boolean): Promise<MemberReport> {
    const leader = isPassedOn ? null : this.#leaderElsewhere();
    if (leader === null) return await this.#options.host.changeMembers(request);
    const passedOn = await this.#passOn<MemberReport>(leader, '/members', {
      body: { [request.kind]: request.node },
      headers: { authorization: `Bearer ${this.#options.password}` },
    });
    return passedOn.outcome === 'answered' ? passedOn.report : passedOn;
  }

  /** Whom a request for the leader is passed on to; null when that is this node, or nobody knows. */
  #leaderElsewhere(): AdminPeer | null {
    const { host, self, members } = this.#options;
    const { leaderId } = host.status().raft;
    return members.find(({ id }) => id === leaderId && id !== self) ?? null;
  }

  async #passOn<Report>(
    leader: AdminPeer,
    path: string,
    request: { readonly body: object; readonly headers?: Readonly<Record<string, string>> },
  ): Promise<PassedOn<Report>> {
    try {
      const response = await fetch(`http://${leader.host}:${leader.adminPort}${path}`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          [passedOnHeader]: this.#options.self,
          ...request.headers,
        },
        body: JSON.stringify(request.body),
        signal: AbortSignal.timeout(passedOnTimeoutMs),
      });
      if (response.ok) return { outcome: 'answered', report: (await response.json()) as Report };
      const reason = `the leader ${leader.id} answered with HTTP status ${response.status}`;
      // Below 500 it says that it did nothing; above, only that something went wrong.
      return { outcome: response.status < 500 ? 'refused' : 'unknown', reason };
    } catch (thrown) {
      const reason = `the leader ${leader.id} did not answer: ${reasonOf(thrown)}`;
      return { outcome: 'unknown', reason };
    }
  }

  async #cluster(): Promise<ClusterStatus> {
    const own = (): NodeStatus => this.#options.host.status();
    const nodes = await this.#askAll('/status', own, ({ kind, id, body }) => {
      return { kind, id, status: body };
    });
    return { askedNode: this.#options.self, nodes };
  }

  async #clusterLatency(): Promise<ClusterLatency> {
    const own = (): LatencyReport => this.#options.host.latency();
    const nodes = await this.#askAll('/latency', own, ({ kind, id, body }) => {
      return { kind, id, report: body };
    });
    return { askedNode: this.#options.self, nodes };
  }

  /** Every member's answer on this path, this one's own from `own`; `reached` puts an answer into words of its own. */
  async #askAll<Body, Reached>(
    path: string,
    own: () => Body,
    reached: (answer: ReachedPeer<Body>) => Reached,
  ): Promise<readonly (Reached | UnreachableMember)[]> {
    const { members, self } = this.#options;
    return await Promise.all(
      members.map(async (member) => {
        const answer: ReachedPeer<Body> | UnreachableMember =
          member.id === self
            ? { kind: 'reached', id: self, body: own() }
            : await askPeer<Body>(member, path);
        return answer.kind === 'reached' ? reached(answer) : answer;
      }),
    );
  }
}

/** What became of a request that the leader was asked to carry out. */
type PassedOn<Report> =
  | { readonly outcome: 'answered'; readonly report: Report }
  | { readonly outcome: 'refused' | 'unknown'; readonly reason: string };

interface ReachedPeer<Body> {
  readonly kind: 'reached';
  readonly id: string;
  readonly body: Body;
}

/** What a peer answers is taken at its word. */
async function askPeer<Body>(
  member: AdminPeer,
  path: string,
): Promise<ReachedPeer<Body> | UnreachableMember> {
  const { id } = member;
  const address = `${member.host}:${member.adminPort}`;
  try {
    const signal = AbortSignal.timeout(peerTimeoutMs);
    const response = await fetch(`http://${address}${path}`, { signal });
    if (response.ok) return { kind: 'reached', id, body: (await response.json()) as Body };
    return { kind: 'unreachable', id, address, reason: `HTTP status ${response.status}` };
  } catch (thrown) {
    return { kind: 'unreachable', id, address, reason: reasonOf(thrown) };
  }
}

/** `fetch failed` says nothing; its cause does. */
function reasonOf(thrown: unknown): string {
  return messageOf(thrown instanceof Error && thrown.cause !== undefined ? thrown.cause : thrown);
}

/** Undefined when the body is none of ours. */
function transferTarget(body: unknown): string | null | undefined {
  if (typeof body !== 'object' || body === null || !('target' in body)) return undefined;
  const { target } = body;
  return target === null || typeof target === 'string' ? target : undefined;
}
