import type { Observer } from '../http/messages.ts';
import { probePaths } from '../http/routes/probes.ts';
import type { Log } from '../log/log.ts';
import type { RequestFacts } from '../log/request-facts.ts';

/**
 * Returns an observer that writes one line for each request: of level `warn` if it was refused or failed, else `info`.
 * Probes have none: anybody may send them all the time, and a change of their answer is reported. A line has no query,
 * no variables, no body, no address and no credential.
 */
export function logRequests(log: Log): Observer {
  return ({ method }, facts) => {
    const began = performance.now();
    return (outgoing) => {
      const isRefused = outgoing.status >= 400 || facts.code !== null;
      if (probePaths.has(facts.route ?? '') || !log.writes(isRefused ? 'warn' : 'info')) return;
      const { status } = outgoing;
      const answered = { method, status, ms: performance.now() - began };
      log.writeLine(lineOf(isRefused ? 'warn' : 'info', answered, facts));
    };
  };
}

/**
 * Returns a line as JSON. It is put together by hand, because a general serializer takes ten times as long, a tenth of
 * the time of a request. Only names of our own, ids and names of GraphQL go in without escapes.
 */
function lineOf(
  level: 'info' | 'warn',
  { method, status, ms }: { method: string; status: number; ms: number },
  { id, traceId, route, operationType, operationName, code, sessionHandle, userId }: RequestFacts,
): string {
  return (
    `{"level":"${level}","time":"${now()}","method":${method === 'POST' ? '"POST"' : JSON.stringify(method)}` +
    text('route', route) +
    text('type', operationType) +
    text('operation', operationName) +
    `,"status":${status}${code === null ? '' : `,"code":${JSON.stringify(code)}`},"durationMs":${Math.round(ms * 100) / 100}` +
    `,"requestId":"${id}"${text('traceId', traceId)}` +
    `${text('session', sessionHandle)}${userId === null ? '' : `,"user":"${userId}"`}` +
    ',"msg":"Request"}\n'
  );
}

/** Returns a member of the line. Nothing for null. */
function text(name: string, value: string | null): string {
  return value === null ? '' : `,"${name}":"${value}"`;
}

let formatted = { ms: 0, text: '' };

/** Returns the current time, formatted once per millisecond. */
function now(): string {
  const ms = Date.now();
  if (ms !== formatted.ms) formatted = { ms, text: new Date(ms).toISOString() };
  return formatted.text;
}
