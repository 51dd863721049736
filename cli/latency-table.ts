import {
  type ClusterLatency,
  type CommitStage,
  commitStages,
  type LatencyReport,
} from '../admin/latency-report.ts';
import { type HistogramSnapshot, quantileUs } from '../base/histogram-snapshot.ts';
import { type Cell, renderTable } from './table.ts';

export interface LatencyTableOptions {
  /** How long was watched; 0: since each node began. */
  readonly seconds: number;
  readonly colours: boolean;
}

const stageTexts: Readonly<Record<CommitStage, string>> = {
  'binlog-to-bridge': 'binlog → bridge',
  'propose-to-durable': 'propose → local disk (beside the next)',
  'propose-to-quorum': 'propose → quorum',
  'quorum-to-ack': 'quorum → ack',
  'ack-to-client': 'ack → client',
};
const numberHeaders = ['count', 'p50 ms', 'p99 ms', 'max ms'];
const barLength = 30;

/** The way of a commit stage by stage, on each node on which any committed, and below it the log writes of all nodes. */
export function renderLatency(cluster: ClusterLatency, options: LatencyTableOptions): string {
  const reports = cluster.nodes.flatMap((member) =>
    member.kind === 'reached' ? [member.report] : [],
  );
  const primaries = reports.filter(isCommitting);
  const commits =
    primaries.length === 0
      ? [`no commit got through ${periodText(options)}: ${leaderText(reports)}`]
      : primaries.map((report) => commitTable(report, options));
  return [...commits, logTable(cluster, options)].join('\n\n');
}

function isCommitting({ stages }: LatencyReport): boolean {
  return commitStages.some((stage) => stages[stage].count > 0);
}

function periodText({ seconds }: LatencyTableOptions): string {
  return seconds === 0 ? 'since the nodes began' : `in ${seconds} s`;
}

function leaderText(reports: readonly LatencyReport[]): string {
  const leader = reports.find(({ role }) => role === 'leader');
  if (leader === undefined) return 'no node that was reached leads; see binraft status';
  return `${leader.node} leads; --seconds 0 shows what was counted since the nodes began`;
}

function commitTable(report: LatencyReport, options: LatencyTableOptions): string {
  const snapshots = commitStages.map((stage) => report.stages[stage]);
  const longestUs = longest(snapshots);
  const rows = commitStages.map((stage): Cell[] => [
    stageTexts[stage],
    ...numbers(report.stages[stage]),
    bar(report.stages[stage], longestUs),
  ]);
  const title = `commits on ${report.node} (${report.role}, term ${report.term}) ${periodText(options)}`;
  return `${title}\n${renderTable(['stage', ...numberHeaders, barHeader], rows, options)}`;
}

function logTable(cluster: ClusterLatency, options: LatencyTableOptions): string {
  const longestUs = longest(
    cluster.nodes.flatMap((member) => (member.kind === 'reached' ? [member.report.logWrite] : [])),
  );
  const rows = cluster.nodes.map((member): Cell[] => {
    if (member.kind === 'unreachable') {
      const down: Cell = { text: 'unreachable', style: 'red' };
      return [member.id, down, '-', '-', '-', '-', `${member.address}: ${member.reason}`];
    }
    const { role, logWrite } = member.report;
    return [member.id, role, ...numbers(logWrite), bar(logWrite, longestUs)];
  });
  const title = `writes to the log, each with its sync, ${periodText(options)}`;
  return `${title}\n${renderTable(['node', 'raft', ...numberHeaders, barHeader], rows, options)}`;
}

const barHeader = '█ to p50, ░ to p99';

function longest(snapshots: readonly HistogramSnapshot[]): number {
  return Math.max(0, ...snapshots.map((snapshot) => quantileUs(snapshot, 0.99) ?? 0));
}

function numbers(snapshot: HistogramSnapshot): Cell[] {
  const { count } = snapshot;
  return [String(count), ...[0.5, 0.99, 1].map((share) => msText(quantileUs(snapshot, share)))];
}

/** To the longest p99 of the table; whatever was counted shows. */
function bar(snapshot: HistogramSnapshot, longestUs: number): Cell {
  const middleUs = quantileUs(snapshot, 0.5);
  const tailUs = quantileUs(snapshot, 0.99);
  if (middleUs === null || tailUs === null) return '';
  const middle = Math.max(1, Math.round((middleUs / longestUs) * barLength));
  const tail = Math.max(0, Math.round((tailUs / longestUs) * barLength) - middle);
  return { text: '█'.repeat(middle) + '░'.repeat(tail), style: 'cyan' };
}

/** Three digits that matter. */
function msText(us: number | null): string {
  if (us === null) return '-';
  const ms = us / 1000;
  if (ms < 1) return ms.toFixed(3);
  if (ms < 10) return ms.toFixed(2);
  return ms < 100 ? ms.toFixed(1) : ms.toFixed(0);
}
