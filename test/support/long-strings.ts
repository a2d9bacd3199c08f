import { onTestFinished } from 'vitest';

/** In UTF-16 units. More than any argument, document or header of an ordinary request has. */
const longest = 2_000;

/** Methods of strings whose work, or whose result, is more than a few operations for each unit. */
const methods = ['normalize', 'split', Symbol.iterator, 'localeCompare'] as const;

/** What was done to long strings, each as `normalize` or as the regular expression, without repetitions. */
export type LongStrings = { readonly uses: Set<string> };

/**
 * Notes, for the length of a test, what is done to strings that are longer than `longest` and may take more than
 * linear time, or memory: by these methods of String, and by every regular expression, since all of them go by `exec`.
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
      if (this.length > longest) uses.add(String(name));
      return original.apply(this, args);
    });
  }
  const exec = RegExp.prototype.exec;
  put(RegExp.prototype, 'exec', function watched(this: RegExp, text: string) {
    if (String(text).length > longest) uses.add(String(this));
    return exec.call(this, text);
  });
  return { uses };
}
