import type { ClusterStatus, MemberStatus, NodeStatus } from '../admin/node-status.ts';
import { type Cell, renderTable } from './table.ts';

const headers = [
  'node',
  'raft',
  'term',
  'commit',
  'applied',
  'behind',
  'mysql',
  'health',
  'since',
  '',
];

/** The cluster as one table, newest knowledge of each node; what is wrong stands in the last column. */
export function renderStatus(
  cluster: ClusterStatus,
  options: { readonly colours: boolean; readonly nowMs: number },
): string {
  const rows = cluster.nodes.map((member) => memberRow(member, options.nowMs));
  return renderTable(headers, rows, options);
}

function memberRow(member: MemberStatus, nowMs: number): Cell[] {
  if (member.kind === 'reached') return nodeRow(member.status, nowMs);
  const down: Cell = { text: 'unreachable', style: 'red' };
  return [
    member.id,
    down,
    '-',
    '-',
    '-',
    '-',
    '-',
    '-',
    '-',
    `${member.address}: ${member.reason}`,
  ];
}

function nodeRow(status: NodeStatus, nowMs: number): Cell[] {
  const { raft, mysql } = status;
  return [
    status.node,
    raftCell(raft),
    String(raft.term),
    String(raft.commitIndex),
    String(mysql.appliedIndex),
    String(mysql.entriesBehind),
    mysql.role === 'primary' ? { text: mysql.role, style: 'green' } : mysql.role,
    { text: mysql.health, style: mysql.health === 'ok' ? 'green' : 'yellow' },
    duration(nowMs - Date.parse(mysql.since)),
    mysql.complaints.length === 0 && mysql.health === 'ok'
      ? ''
      : [mysql.reason, ...mysql.complaints].join('; '),
  ];
}

/** A follower that counts in no quorum is called by what it is. */
function raftCell({ role, memberKind, isRemoved }: NodeStatus['raft']): Cell {
  if (role === 'leader') return { text: role, style: 'green' };
  if (isRemoved) return { text: 'removed', style: 'yellow' };
  return role === 'follower' && memberKind === 'learner' ? memberKind : role;
}

/** `850 ms`, `12 s`, `3 min`, `5 h`, `2 d`: one unit, for people. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  const seconds = ms / 1000;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}
