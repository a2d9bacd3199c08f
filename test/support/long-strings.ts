import { onTestFinished } from 'vitest';

/** In UTF-16 units. No argument, document or header of an ordinary request is as long. */
const minWatchedLength = 2_000;

/** Methods of strings whose work, or whose result, is more than a few operations for each unit. */
const methods = ['normalize', 'split', Symbol.iterator, 'localeCompare'] as const;

/** The operations on long strings, each once: the name of the method, or the regular expression. */
export type LongStrings = { readonly uses: Set<string> };

/**
 * Records, for the length of a test, the operations on strings longer than `minWatchedLength` that may take more than
 * linear time or memory: these methods of String, and every regular expression, because all of them call `exec`.
 */
export function watchLongStrings(): LongStrings {
  const uses = new Set<string>();
  const put = (target: object, name: PropertyKey, value: unknown) => {
    const before = Object.getOwnPropertyDescriptor(target, name);
    if (!before) throw new Error(`There is no ${String(name)} to watch.`);
    Object.defineProperty(target, name, { ...before, value });
    onTestFinished(() => void Object.defineProperty(target, name, before));
  };
  for (const name of methods) {
    const original = String.prototype[name] as (this: string, ...args: unknown[]) => unknown;
    put(String.prototype, name, function watched(this: string, ...args: unknown[]) {
      if (this.length > minWatchedLength) uses.add(String(name));
      return original.apply(this, args);
    });
  }
  const exec = RegExp.prototype.exec;
  put(RegExp.prototype, 'exec', function watched(this: RegExp, text: string) {
    if (String(text).length > minWatchedLength) uses.add(String(this));
    return exec.call(this, text);
  });
  return { uses };
}
