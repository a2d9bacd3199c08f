import type { ErrorDescription } from './error.ts';

/** A line for people, and whether it tells an error. */
export type TextLine = { text: string; isError: boolean };

type Entry = { level: string; time: string; msg: string; announced?: string; error?: ErrorDescription };

/** Returns a line of the log in words: time, level, message and fields, then the stack of an error. */
export function toText(json: string): TextLine {
  // The log itself made the line.
  const { level, time, msg, announced, error, ...fields } = JSON.parse(json) as Entry;
  if (announced !== undefined && level === 'fatal') return { text: `${announced}\n`, isError: true };
  if (announced !== undefined) return { text: `${msg.padEnd(8)}  ${announced}\n`, isError: false };
  const told = Object.entries(fields)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name}=${value}`);
  const clock = time.slice(11, 23);
  const text = [clock, level.padEnd(5), msg, ...told].join(' ');
  return { text: `${text}\n${error ? stackOf(error) : ''}`, isError: level === 'error' };
}

function stackOf({ type, message, stack, cause }: ErrorDescription): string {
  const own = `${stack ?? `${type}: ${message}`}\n`;
  return cause ? `${own}Caused by ${stackOf(cause)}` : own;
}
