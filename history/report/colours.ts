import { styleText } from 'node:util';

export type Paint = (style: Parameters<typeof styleText>[0], text: string) => string;

export function paintOf(hasColours: boolean): Paint {
  return (style, text) => (hasColours ? styleText(style, text, { validateStream: false }) : text);
}
