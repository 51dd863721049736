import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { until } from '../../support/eventually.ts';
import type { LinkFault } from '../site.ts';
import type { Namespaces } from './namespaces.ts';
import { needTool, runTool } from './run-tool.ts';

// Delay between namespaces without `netem`, which many kernels lack: what a node sends the others is routed into a TUN device, from which
// a process of the run reads packets, and to which it writes them back after the delay; then they leave as any forwarded packet does.
//
//   node ─▶ late0 ─▶ program ─ … ms ─▶ late0 ─▶ eth0 ─▶ the others
//
// Open connections are delayed as well, packets keep their order and addresses, and rules of the receiver see them as before.

const device = 'late0';
const routeTable = '93';
/** Packets that one line holds at most; what comes while it is full is lost, as in any queue. */
const packetsMax = 20_000;

/** TUNSETIFF with IFF_TUN and IFF_NO_PI, see tun(4) of the kernel's documentation. Perl is part of each Debian, and can make the call. */
const program = `
use strict; use Time::HiRes qw(time);
my ($device, $ms, $max) = @ARGV;
sysopen(my $tun, '/dev/net/tun', 2) or die "open: $!";
my $request = pack('Z16 s x22', $device, 0x1001);
ioctl($tun, 0x400454ca, $request) or die "TUNSETIFF: $!";
my @held; $| = 1; print "ready\\n";
for (;;) {
  syswrite($tun, (shift @held)->[1]) while @held && $held[0][0] <= time;
  my $wait = @held ? $held[0][0] - time : undef;
  $wait = 0 if defined $wait && $wait < 0;
  my $ready = ''; vec($ready, fileno($tun), 1) = 1;
  next unless select($ready, undef, undef, $wait) > 0;
  sysread($tun, my $packet, 65535) or exit;
  push @held, [time + $ms / 1000, $packet] if @held < $max;
}`;

/** Needs the device and a Perl, besides what namespaces need. */
export async function canDelay(): Promise<boolean> {
  if (!existsSync('/dev/net/tun')) return false;
  const tried = await runTool('perl', ['-MTime::HiRes', '-e', '1']).catch(() => null);
  return tried?.status === 0;
}

/** One line per node that sends late: all its links have the same delay. */
export class DelayLines {
  readonly #namespaces: Namespaces;
  readonly #running = new Map<string, ChildProcess>();

  constructor(namespaces: Namespaces) {
    this.#namespaces = namespaces;
  }

  /** What is not named goes as fast as it can. What a line that ends still held is lost, and sent again by TCP. */
  async apply(faults: readonly LinkFault[]): Promise<void> {
    await this.stop();
    const late = faults.filter(({ delayMs }) => delayMs > 0);
    const senders = new Set(late.map(({ from }) => from));
    await Promise.all(
      [...senders].map((from) =>
        this.#start(
          from,
          late.filter((fault) => fault.from === from),
        ),
      ),
    );
  }

  /** With a line its device goes, and all routes over it; rules that lead to an empty table say nothing. */
  async stop(): Promise<void> {
    const ending = [...this.#running.values()];
    this.#running.clear();
    for (const child of ending) child.kill('SIGKILL');
    await until(() => ending.every(hasEnded), 'the delay lines have ended');
  }

  /** Packets that came out of a node's line. */
  async passed(from: string): Promise<number> {
    const args = ['-n', this.#namespaces.name(from), '-s', '-j', 'link', 'show', device];
    const { status, output } = await runTool('ip', args);
    if (status !== 0) return 0;
    const [link] = JSON.parse(output) as { stats64?: { rx?: { packets?: number } } }[];
    return link?.stats64?.rx?.packets ?? 0;
  }

  async #start(from: string, faults: readonly LinkFault[]): Promise<void> {
    const delayMs = Math.max(...faults.map((fault) => fault.delayMs));
    const [nsenter = '', ...inside] = this.#namespaces.launcher(from);
    const args = [...inside, 'perl', '-e', program, device, String(delayMs), String(packetsMax)];
    const child = spawn(nsenter, args, { stdio: ['ignore', 'pipe', 'ignore'], detached: true });
    this.#running.set(from, child);
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    await until(() => said.includes('ready') || hasEnded(child), `the delay line of ${from} is up`);
    if (hasEnded(child)) throw new Error(`no delay line can be made for ${from}`);
    await this.#route(from, faults);
  }

  async #route(from: string, faults: readonly LinkFault[]): Promise<void> {
    const name = this.#namespaces.name(from);
    const [nsenter = '', ...inside] = this.#namespaces.launcher(from);
    // Its own address comes in from outside, and what the others answer comes in elsewhere.
    const settings = [
      'ip_forward=1',
      ...['all', 'eth0', device].map((each) => `conf/${each}/rp_filter=0`),
      `conf/${device}/accept_local=1`,
    ].map(
      (setting) =>
        `echo ${setting.replace(/.*=/, '')} > /proc/sys/net/ipv4/${setting.replace(/=.*/, '')}`,
    );
    await needTool(nsenter, [...inside, 'sh', '-ec', settings.join('\n')]);
    await runTool('ip', ['-n', name, 'rule', 'flush', 'table', routeTable]);
    await runTool('ip', ['-n', name, 'rule', 'del', 'priority', '100']);
    const commands = [
      `link set ${device} up`,
      `rule add priority 100 iif ${device} lookup main`,
      `route replace default dev ${device} src ${this.#namespaces.host(from)} table ${routeTable}`,
      ...faults.map(
        ({ to }) => `rule add priority 200 to ${this.#namespaces.host(to)}/32 lookup ${routeTable}`,
      ),
    ];
    await needTool('ip', ['-n', name, '-batch', '-'], `${commands.join('\n')}\n`);
  }
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}
