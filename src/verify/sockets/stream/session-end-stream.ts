import { VerifierMisconfigured } from '../../errors.ts';
import { correctionFor, wrongAddress, wrongHost } from '../../introspection.ts';
import { isObject, type Json, type JsonObject, parseObject } from '../../json.ts';
import { endTypes, type SessionEnd } from '../close-reason.ts';
import { readServerSentEvents } from './server-sent-events.ts';

/** The endpoint of GraphQL, and how it is called. */
export type StreamEndpoint = {
  url: URL;
  clientSecret: string;
  fetch: (url: URL, init: RequestInit) => Promise<Response>;
};

/** One message of the stream. `cursor` resumes after it. The first message of a stream has no ends. */
export type EndMessage = { cursor: string; ends: SessionEnd[] };

/** Tells that the server cannot continue after a cursor, for example because it is older than the retention. */
export class ResumeRefused extends Error {
  override readonly name = 'ResumeRefused';
}

/** Has one form of white space only, so that a manifest of trusted documents can contain it. */
const subscription =
  'subscription SessionEnds($after: String) { adminEvents(after: $after, ' +
  `types: [${endTypes.join(', ')}]) { cursor events { type sessionHandle } } }`;

/**
 * Yields the ends of all sessions, after a cursor or from now on, until the connection or the signal ends. Calls a
 * function for all that arrives. The protocol is GraphQL over SSE in the distinct connections mode.
 *
 * @throws ResumeRefused if the server does not continue after the cursor.
 * @throws VerifierMisconfigured if the server rejects the service client.
 * @throws Error if the connection breaks, and if the server breaks the protocol.
 */
export async function* openSessionEnds(
  { url, clientSecret, fetch }: StreamEndpoint,
  after: string | null,
  { signal, onArrival }: { signal: AbortSignal; onArrival: () => void },
): AsyncGenerator<EndMessage> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { accept: 'text/event-stream', 'content-type': 'application/json', 'x-service-key': clientSecret },
    body: JSON.stringify({ query: subscription, variables: { after } }),
    // A redirect could lead the secret to another server.
    redirect: 'manual',
    // Next.js would answer from its own cache.
    cache: 'no-store',
    signal,
  });
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') ?? false;
  if (response.status !== 200 || !isStream || response.body === null) {
    throw failureOf(await response.text(), response.status, after);
  }
  for await (const { event, data } of readServerSentEvents(response.body, onArrival)) {
    if (event === 'complete') return;
    if (event === 'next') yield toMessage(data, after);
  }
}

function toMessage(text: string, after: string | null): EndMessage {
  const { data } = parseObject(text) ?? {};
  const message = isObject(data) ? data.adminEvents : null;
  if (!isObject(message) || typeof message.cursor !== 'string' || !Array.isArray(message.events)) {
    throw failureOf(text, 200, after);
  }
  return { cursor: message.cursor, ends: message.events.flatMap(toEnd) };
}

/** Returns the end of a session. Nothing for every other event. */
function toEnd(event: Json): SessionEnd[] {
  if (!isObject(event)) return [];
  const { type, sessionHandle: handle } = event;
  const reason = endTypes.find((one) => one === type);
  return reason !== undefined && typeof handle === 'string' ? [{ handle, reason }] : [];
}

const rejected = 'The client secret is wrong, or disabled. Set clientSecret to that of a service client.';
const noScope =
  'The service client has no scope events. Make one: service-client create my-api --scope introspect events';
const corrections: Record<string, string> = {
  SERVICE_KEY_INVALID: rejected,
  UNAUTHENTICATED: noScope,
  FORBIDDEN: noScope,
  SUBSCRIPTIONS_DISABLED: 'The operator of the server has turned subscriptions off with STREAMS_PER_NODE=0.',
  GRAPHQL_VALIDATION_FAILED: 'The server knows no adminEvents. Update it to the version of this library.',
  PERSISTED_QUERY_NOT_IN_LIST: `The server executes trusted documents only. Trust this one: ${subscription}`,
};
const correctionsByStatus: Record<number, string> = {
  401: rejected,
  404: wrongAddress,
  405: wrongAddress,
  421: wrongHost,
};

/** Returns the error for an answer that is no message of the stream. */
function failureOf(body: string, status: number, after: string | null): Error {
  const { errors } = parseObject(body) ?? {};
  const [error] = Array.isArray(errors) ? errors.filter(isObject) : [];
  const code = codeOf(error);
  const correction = corrections[code ?? ''] ?? correctionFor(status, correctionsByStatus);
  const answer = `POST /graphql was answered with ${status}${code === null ? '' : ` and ${code}`}.`;
  if (correction !== undefined) return new VerifierMisconfigured(`${answer} ${correction}`);
  if (after !== null && (code === 'RESUME_TOO_OLD' || code === 'BAD_USER_INPUT')) return new ResumeRefused(answer);
  return new Error(`${answer} ${body.slice(0, 500)}`);
}

function codeOf(error: JsonObject | undefined): string | null {
  const extensions = error?.extensions;
  return isObject(extensions) && typeof extensions.code === 'string' ? extensions.code : null;
}
