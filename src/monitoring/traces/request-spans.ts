import type { AsyncLocalStorage } from 'node:async_hooks';
import {
  type Attributes,
  type Context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TextMapGetter,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import type { TrustedProxies } from '../../config/config.ts';
import type { Incoming, Observer, Outgoing, RunRequest } from '../../http/messages.ts';
import { isTrustedProxy } from '../../http/request/client-address.ts';
import type { HeaderReader } from '../../http/request/headers.ts';
import { isProbe } from '../../http/routes/probes.ts';
import type { RequestFacts } from '../../log/request-facts.ts';

/** The span of a request in progress. Its times, in milliseconds, are those of one clock that never jumps. */
export type RequestSpan = {
  span: Span;
  /** The context in which children of the span start. */
  context: Context;
  /** The start of the span, since the Unix epoch and by `performance.now`. */
  startMs: number;
  beganAt: number;
};

type Options = { trustedProxies: TrustedProxies; scheme: string };

/** RFC 9110 section 9 and RFC 5789. Other methods are texts of clients. */
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH']);

const propagator = new W3CTraceContextPropagator();
const getter: TextMapGetter<HeaderReader> = {
  get: (headers, name) => headers.get(name) ?? undefined,
  keys: () => [],
};

/**
 * Returns an observer that makes a span for each request, named after its operation type, and a function that runs the
 * steps of the request in the context of the span. A span has no user, no session, no text of the document, no
 * variables and no address: traces are often kept by another company than the log, which has the id of the trace.
 */
export function traceRequests(
  tracer: Tracer,
  current: AsyncLocalStorage<RequestSpan>,
  { trustedProxies, scheme }: Options,
): { observe: Observer; run: RunRequest } {
  const spans = new WeakMap<RequestFacts, RequestSpan>();

  /**
   * Returns the trace of the sender, if it is a trusted proxy. Anybody else could have all of their requests traced, or
   * add spans to the traces of others (W3C Trace Context, section 7).
   */
  function parentOf({ headers, peer }: Incoming): Context {
    if (headers.get('traceparent') === null || !isTrustedProxy(peer, trustedProxies)) return ROOT_CONTEXT;
    return propagator.extract(ROOT_CONTEXT, headers, getter);
  }

  return {
    observe(incoming, facts) {
      if (isProbe(incoming.target)) return () => {};
      const parent = parentOf(incoming);
      const [startMs, beganAt] = [Date.now(), performance.now()];
      const span = tracer.startSpan('HTTP', { kind: SpanKind.SERVER, startTime: startMs }, parent);
      facts.traceId = span.spanContext().traceId;
      if (!span.isRecording()) return () => {};
      spans.set(facts, { span, context: trace.setSpan(parent, span), startMs, beganAt });
      return (outgoing) => {
        describe(span, facts, { incoming, outgoing, scheme });
        span.end(startMs + performance.now() - beganAt);
      };
    },
    run(facts, act) {
      const request = spans.get(facts);
      return request ? current.run(request, act) : act();
    },
  };
}

type Exchange = { incoming: Incoming; outgoing: Outgoing; scheme: string };

/** Names a span and adds its attributes, by the semantic conventions of OpenTelemetry for GraphQL and HTTP servers. */
function describe(span: Span, facts: RequestFacts, { incoming, outgoing: { status }, scheme }: Exchange): void {
  const { id, route, operationType, operationName, code } = facts;
  const method = methods.has(incoming.method) ? incoming.method : null;
  const httpName = [method ?? 'HTTP', route].filter((part) => part !== null).join(' ');
  const attributes: Attributes = {
    'http.request.method': method ?? '_OTHER',
    'http.response.status_code': status,
    'url.scheme': scheme,
    'graphql_sessions.request.id': id,
  };
  if (route !== null) attributes['http.route'] = route;
  // Any other path is a text of the client.
  if (route?.startsWith('/')) attributes['url.path'] = route;
  if (operationType !== null) attributes['graphql.operation.type'] = operationType;
  if (operationName !== null) attributes['graphql.operation.name'] = operationName;
  if (code !== null) attributes['error.type'] = code;
  span.updateName(operationType ?? httpName);
  span.setAttributes(attributes);
  if (status >= 500 || faults.has(code ?? '')) span.setStatus({ code: SpanStatusCode.ERROR });
}

/** The codes of failures of this server. All others are answers to wrong requests, which are no error of a server. */
const faults = new Set(['INTERNAL_SERVER_ERROR', 'SERVICE_UNAVAILABLE', 'SERVER_OVERLOADED']);
