import type { Clock } from '../base/clock.ts';
import type { MySqlInstallation } from '../mysql-bridge/mysql-server.ts';
import type { Sample } from './core/sample.ts';
import type { Settings } from './core/settings.ts';
import type { BenchPorts } from './ports.ts';
import type { Tools } from './tools.ts';

/** What all contenders run on: the same programs, the same disk, the same load. */
export interface Environment {
  readonly clock: Clock;
  /** The one MySQL that all servers of all contenders run. */
  readonly installation: MySqlInstallation;
  /** In front of what must die with this process. */
  readonly launcher: readonly string[];
  readonly tools: Tools;
  readonly ports: BenchPorts;
  /** An initialised data folder, to be copied by those who do not make their own. */
  readonly templateData: string;
}

/** One turn of one contender, in a folder that is removed behind it. */
export interface Turn extends Environment {
  readonly round: number;
  readonly folder: string;
  /** Aborts at Ctrl-C, and when the turn takes too long. */
  readonly signal: AbortSignal;
  record(sample: Sample): void;
  /** The global variables of the primary: whatever two contenders do not share is shown. */
  settings(settings: Settings): void;
  /** Something a reader of the results should know; told once however often it is said. */
  note(text: string): void;
  /** What is done just now, for the progress line. */
  doing(text: string): void;
}
