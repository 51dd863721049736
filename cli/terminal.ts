/** Where a person reads: a terminal, or a file or pipe, which gets neither colours nor redrawn lines. */
export interface Terminal {
  readonly hasColours: boolean;
  line(text: string): void;
  /** A line that is redrawn in place on a terminal, and printed in tenths elsewhere. */
  progress(label: string, share: number): void;
}

const barLength = 30;
const steps = 10;

export function createTerminal(
  stream: NodeJS.WriteStream,
  options: { readonly noColor: boolean },
): Terminal {
  let isDrawing = false;
  let lastStep = '';
  return {
    hasColours: stream.isTTY === true && !options.noColor,
    line(text: string): void {
      if (isDrawing) stream.write('\n');
      isDrawing = false;
      stream.write(`${text}\n`);
    },
    progress(label: string, share: number): void {
      const bounded = Math.min(1, Math.max(0, share));
      const filled = Math.round(bounded * barLength);
      const bar = '█'.repeat(filled) + '░'.repeat(barLength - filled);
      const percent = `${Math.floor(bounded * 100)}%`.padStart(4);
      if (stream.isTTY === true) {
        isDrawing = true;
        stream.write(`\r\u001b[2K${label} ${bar} ${percent}`);
        return;
      }
      const step = `${label} ${Math.floor(bounded * steps)}`;
      if (step === lastStep) return;
      lastStep = step;
      stream.write(`${label}${percent}\n`);
    },
  };
}
