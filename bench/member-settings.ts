import { z } from 'zod';

/** What a process that is one member of a group is told on its command line, as JSON. */
export interface BenchMemberSettings {
  /** n1, n2, …: the number is its id towards clients. */
  readonly id: string;
  readonly directory: string;
  /** Where each member listens for the others. */
  readonly ports: Readonly<Record<string, number>>;
  readonly clientPort: number;
  readonly seed: number;
}

const settingsSchema: z.ZodType<BenchMemberSettings> = z.strictObject({
  id: z.string().regex(/^n[1-9]$/),
  directory: z.string(),
  ports: z.record(z.string(), z.int()),
  clientPort: z.int(),
  seed: z.int(),
});

/** Throws what Zod says, with the place of the fault. */
export function readMemberSettings(text: string | undefined): BenchMemberSettings {
  return settingsSchema.parse(JSON.parse(text ?? ''));
}
