import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { compileFunction } from 'node:vm';
import { assert, assertNever } from '../../base/assert.ts';

/** A change of a source text at load: `find` must stand in it exactly once, or the load fails. */
export interface SourceEdit {
  readonly find: string;
  readonly replace: string;
}

/** The private fields of an instance by name. Values are frozen: a core that changes one in place fails at once. */
export type Fields = Readonly<Record<string, unknown>>;

/** A class of the product, and the two operations on its private state that only a test needs. */
export interface LoadedCore<Instance> {
  create(options: unknown): Instance;
  capture(instance: Instance): Fields;
  restore(instance: Instance, fields: Fields): void;
  readonly fieldNames: readonly string[];
}

const root = new URL('../../', import.meta.url);
const runtimeImports: Readonly<Record<string, unknown>> = { assert, assertNever };

/**
 * Loads a class from the product's own source text, as it is but for two static methods that copy its private fields out and
 * in. The list of fields is read from the text, so a field added tomorrow is part of the state tomorrow. No API of the
 * product exists for this, and planted bugs stay outside of it too.
 */
export function loadCore<Instance>(options: {
  readonly file: string;
  readonly className: string;
  readonly edits?: readonly SourceEdit[];
}): LoadedCore<Instance> {
  const { file, className, edits = [] } = options;
  const source = edits.reduce(
    (text, edit) => applyEdit(text, edit, file),
    readFileSync(new URL(file, root), 'utf8'),
  );
  const fieldNames = [...source.matchAll(/^ {2}(?:readonly )?#(\w+)(?=[:?!]| =)/gm)].map(
    ([, name]) => name ?? '',
  );
  assert(fieldNames.length > 0, `${file} has private fields`);
  const opening = `export class ${className} {`;
  const withAccess = applyEdit(
    source,
    { find: opening, replace: `${opening}\n${accessors(fieldNames)}` },
    file,
  );
  const loaded = evaluate(stripTypeScriptTypes(withAccess), className, file);
  return {
    create: (argument) => new loaded(argument) as Instance,
    capture: (instance) => copied(loaded.captureFields(instance)),
    restore: (instance, fields) => loaded.restoreFields(instance, copied(fields)),
    fieldNames,
  };
}

export function applyEdit(text: string, { find, replace }: SourceEdit, file: string): string {
  const parts = text.split(find);
  if (parts.length !== 2) {
    throw new Error(`${file} has ${parts.length - 1} places that read ${JSON.stringify(find)}`);
  }
  return parts.join(replace);
}

function accessors(names: readonly string[]): string {
  const out = names.map((name) => `${name}: instance.#${name}`).join(', ');
  const into = names.map((name) => `instance.#${name} = fields.${name};`).join(' ');
  return `  static captureFields(instance) { return { ${out} }; }
  static restoreFields(instance, fields) { ${into} }`;
}

/** What the loader needs of a class, besides what the product needs of it. */
interface OpenedClass {
  new (options: unknown): unknown;
  captureFields(instance: unknown): Fields;
  restoreFields(instance: unknown, fields: Fields): void;
}

/** The only place where source text becomes code. Everything a core imports at run time is handed in by name. */
function evaluate(code: string, className: string, file: string): OpenedClass {
  const imports = /^import \{([^}]*)\} from '[^']+';/gm;
  for (const [line, names = ''] of code.matchAll(imports)) {
    for (const name of names.split(',').map((each) => each.trim())) {
      assert(
        name === '' || name in runtimeImports,
        `${file} imports more than assertions: ${line}`,
      );
    }
  }
  const body = code.replaceAll(imports, '').replaceAll(/^export /gm, '');
  const build = compileFunction(`${body}\nreturn ${className};`, Object.keys(runtimeImports), {
    filename: new URL(file, root).pathname,
  });
  return build(...Object.values(runtimeImports)) as OpenedClass;
}

/** One level deep: cores hold values, and arrays of values. A container of another kind would need a rule of its own. */
function copied(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, copyOf(value)]));
}

function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(frozen);
  return frozen(value);
}

function frozen(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const kind = Object.getPrototypeOf(value);
  assert(kind === Object.prototype || kind === Array.prototype, 'a field is a plain value');
  Object.values(value).forEach(frozen);
  return Object.freeze(value);
}
