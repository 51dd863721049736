import type { TransferReport } from '../admin/admin-server.ts';
import type { ClusterLatency } from '../admin/latency-report.ts';
import type { MemberReport, MemberRequest } from '../admin/member-change.ts';
import type { ClusterStatus } from '../admin/node-status.ts';
import { messageOf, OperationalError } from '../base/errors.ts';

const statusTimeoutMs = 5000;
const transferTimeoutMs = 90_000;
const memberChangeTimeoutMs = 90_000;

/** No admin port answered where one was expected. */
export class AdminUnreachableError extends OperationalError {
  override readonly name = 'AdminUnreachableError';

  constructor(address: string, cause: unknown) {
    const reason = cause instanceof Error && cause.cause !== undefined ? cause.cause : cause;
    super(
      'ADMIN_UNREACHABLE',
      `no node answers at ${address}: ${messageOf(reason)}; is it running?`,
      {
        cause,
        retryable: true,
      },
    );
  }
}

/** The whole cluster as the node at this admin port sees it. */
export async function fetchCluster(host: string, port: number): Promise<ClusterStatus> {
  return (await request(host, port, '/cluster', {
    signal: AbortSignal.timeout(statusTimeoutMs),
  })) as ClusterStatus;
}

/** What every node has counted about commits and its log, as the node at this admin port gets it. */
export async function fetchLatency(host: string, port: number): Promise<ClusterLatency> {
  return (await request(host, port, '/cluster/latency', {
    signal: AbortSignal.timeout(statusTimeoutMs),
  })) as ClusterLatency;
}

/** Any node passes the request on to the leader. */
export async function requestTransfer(
  address: { readonly host: string; readonly port: number },
  target: string | null,
): Promise<TransferReport> {
  const answer = await request(address.host, address.port, '/transfer', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ target }),
    signal: AbortSignal.timeout(transferTimeoutMs),
  });
  return answer as TransferReport;
}

/** As `requestTransfer`, for a change of members; `password` is derived from the cluster secret. */
export async function requestMemberChange(
  address: { readonly host: string; readonly port: number; readonly password: string },
  { kind, node }: MemberRequest,
): Promise<MemberReport> {
  const answer = await request(address.host, address.port, '/members', {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${address.password}`,
    },
    body: JSON.stringify({ [kind]: node }),
    signal: AbortSignal.timeout(memberChangeTimeoutMs),
  });
  return answer as MemberReport;
}

async function request(
  host: string,
  port: number,
  path: string,
  init: RequestInit,
): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(`http://${host}:${port}${path}`, init);
  } catch (cause) {
    throw new AdminUnreachableError(`${host}:${port}`, cause);
  }
  const body: unknown = await response.json();
  if (response.ok) return body;
  throw new OperationalError('ADMIN_REFUSED', refusalText(body, response.status));
}

function refusalText(body: unknown, status: number): string {
  if (typeof body === 'object' && body !== null && 'message' in body) return String(body.message);
  return `the node answered with HTTP status ${status}`;
}
