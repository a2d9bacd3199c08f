import type { AsyncLocalStorage } from 'node:async_hooks';
import { type Attributes, SpanKind, SpanStatusCode, type Tracer } from '@opentelemetry/api';
import { endAll, hashingTimes, hashingWaits, sentMails, sharedReads, statementTimes } from '../../diagnostics.ts';
import type { RequestSpan } from './request-spans.ts';

/** A step that has just ended. */
type Step = { name: string; kind: SpanKind; ms: number; isFailed?: boolean; attributes?: Attributes };

/** Shorter waits for a place are none: the next step began at once. */
const minWaitMs = 1;

/**
 * Adds the steps of each request to its span: the database, and the hashing of passwords. Returns a function that ends
 * this. A read that several requests share belongs to none of them, so each has a span for its wait.
 */
export function traceSteps(tracer: Tracer, current: AsyncLocalStorage<RequestSpan>, system: string): () => void {
  function add({ name, kind, ms, isFailed = false, attributes = {} }: Step): void {
    const request = current.getStore();
    // Background work.
    if (request === undefined) return;
    const endMs = request.startMs + performance.now() - request.beganAt;
    const span = tracer.startSpan(name, { kind, startTime: endMs - ms, attributes }, request.context);
    if (isFailed) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end(endMs);
  }
  const database = { 'db.system.name': system };
  const shared = { ...database, 'graphql_sessions.shared': true };
  return endAll([
    statementTimes.subscribe(({ kind, ms, isFailed }) =>
      add({ name: `database ${kind}`, kind: SpanKind.CLIENT, ms, isFailed, attributes: database }),
    ),
    sharedReads.subscribe(({ ms, isFailed }) =>
      add({ name: 'database read', kind: SpanKind.CLIENT, ms, isFailed, attributes: shared }),
    ),
    hashingTimes.subscribe(({ task, ms }) => add({ name: `password ${task}`, kind: SpanKind.INTERNAL, ms })),
    hashingWaits.subscribe(({ waitedMs: ms }) => {
      if (ms >= minWaitMs) add({ name: 'password wait', kind: SpanKind.INTERNAL, ms });
    }),
  ]);
}

/**
 * Makes a trace for each attempt to send a mail. Returns a function that ends this. It does not lead to the request
 * that wrote the mail: the outbox does not keep its trace.
 */
export function traceMails(tracer: Tracer): () => void {
  return sentMails.subscribe(({ result, template, ms }) => {
    const endMs = Date.now();
    const attributes = { 'graphql_sessions.mail.template': template };
    const options = { kind: SpanKind.CLIENT, startTime: endMs - ms, attributes, root: true };
    const span = tracer.startSpan('mail send', options);
    if (result === 'failed') span.setStatus({ code: SpanStatusCode.ERROR });
    span.end(endMs);
  });
}
