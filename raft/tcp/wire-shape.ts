/** How deep arrays nest: a frame of messages, a message, its entries. */
const depthMax = 3;

export interface ShapeLimits {
  readonly valuesMax: number;
}

/**
 * Says why these bytes are not a plain msgpack value of ours, or null when they are: arrays of unsigned integers, doubles, booleans,
 * nil, text and bytes, with everything they claim present. A decoder reserves memory by what a header claims and knows
 * extension types; bytes of a stranger must pass here first.
 *
 * https://github.com/msgpack/msgpack/blob/master/spec.md
 */
export function shapeFault(bytes: Uint8Array, { valuesMax }: ShapeLimits): string | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const scan: Scan = { offset: 0, open: [1] };
  for (let values = 0; values <= valuesMax; values += 1) {
    while (scan.open.at(-1) === 0) scan.open.pop();
    if (scan.open.length === 0) {
      const surplus = bytes.length - scan.offset;
      return surplus === 0 ? null : `${surplus} bytes too many`;
    }
    const fault = skipValue(view, scan);
    if (fault !== null) return fault;
  }
  return `more than ${valuesMax} values`;
}

interface Scan {
  offset: number;
  /** Values still to come in each open array, outermost first; the whole is one value. */
  readonly open: number[];
}

/** Moves behind the next value, or into it when it is an array. */
function skipValue(view: DataView, scan: Scan): string | null {
  const { open } = scan;
  open.push((open.pop() ?? 0) - 1);
  const header = headerAt(view, scan.offset);
  if (typeof header === 'string') return header;
  scan.offset += header.headerBytes + header.contentBytes;
  const left = view.byteLength - scan.offset;
  if (left < 0) return `cut off at ${view.byteLength} of at least ${scan.offset} bytes`;
  // A value takes a byte at least.
  if (header.elements > left) return `${header.elements} values claimed in ${left} bytes`;
  if (header.elements === 0) return null;
  if (open.length > depthMax) return `nested deeper than ${depthMax}`;
  open.push(header.elements);
  return null;
}

interface Header {
  readonly headerBytes: number;
  readonly contentBytes: number;
  readonly elements: number;
}

/** Content or elements of a type whose length field has this many bytes. */
const lengthFields: Readonly<
  Record<number, { readonly bytes: 1 | 2 | 4; readonly of: 'content' | 'elements' }>
> = {
  196: { bytes: 1, of: 'content' },
  197: { bytes: 2, of: 'content' },
  198: { bytes: 4, of: 'content' },
  217: { bytes: 1, of: 'content' },
  218: { bytes: 2, of: 'content' },
  219: { bytes: 4, of: 'content' },
  220: { bytes: 2, of: 'elements' },
  221: { bytes: 4, of: 'elements' },
};

/** nil, false, true, double, and unsigned integers of 8, 16 and 32 bits. */
const fixedContent: Readonly<Record<number, number>> = {
  192: 0,
  194: 0,
  195: 0,
  203: 8,
  204: 1,
  205: 2,
  206: 4,
};

function headerAt(view: DataView, offset: number): Header | string {
  if (offset >= view.byteLength) return `cut off at ${offset} bytes`;
  const type = view.getUint8(offset);
  if (type <= 0x7f) return { headerBytes: 1, contentBytes: 0, elements: 0 };
  if (type >= 0x90 && type <= 0x9f) {
    return { headerBytes: 1, contentBytes: 0, elements: type & 0x0f };
  }
  if (type >= 0xa0 && type <= 0xbf) {
    return { headerBytes: 1, contentBytes: type & 0x1f, elements: 0 };
  }
  const content = fixedContent[type];
  if (content !== undefined) return { headerBytes: 1, contentBytes: content, elements: 0 };
  const field = lengthFields[type];
  if (field === undefined) return `type 0x${type.toString(16)} at offset ${offset}`;
  if (offset + 1 + field.bytes > view.byteLength) return `cut off at ${offset} bytes`;
  const length = lengthAt(view, offset + 1, field.bytes);
  const headerBytes = 1 + field.bytes;
  return field.of === 'content'
    ? { headerBytes, contentBytes: length, elements: 0 }
    : { headerBytes, contentBytes: 0, elements: length };
}

function lengthAt(view: DataView, offset: number, bytes: 1 | 2 | 4): number {
  if (bytes === 1) return view.getUint8(offset);
  return bytes === 2 ? view.getUint16(offset) : view.getUint32(offset);
}
