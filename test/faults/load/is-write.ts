const reading = ['read', 'read-latest'];

/** Whether an operation would have changed something: what a gap in writes is made of. */
export function isWrite({ f, input }: { readonly f: string; readonly input: unknown }): boolean {
  if (f !== 'txn') return !reading.includes(f);
  return Array.isArray(input) && input.some(isAppend);
}

function isAppend(step: unknown): boolean {
  return Array.isArray(step) && step[0] === 'append';
}
