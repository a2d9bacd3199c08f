/** The media type of GraphQL over Server-Sent Events. */
export const eventStream = 'text/event-stream';

const regular = ['application/json', 'application/graphql-response+json'];

/**
 * Returns the media type of the answer to a request with this `Accept` header: the first listed type for a single
 * result, or else that of events. Null if this server supports none of them. Ignores preferences by `q`, as Yoga does.
 */
export function mediaTypeFor(accept: string | null): string | null {
  if (accept === null || accept === '*/*' || accept === 'application/json') return 'application/json';
  const types = typesOf(accept).map((type) => (type === '*/*' || type === 'application/*' ? 'application/json' : type));
  return types.find((type) => regular.includes(type)) ?? (types.some(isEvents) ? eventStream : null);
}

/** Returns whether a request with this `Accept` header takes a stream of events, beside other types or alone. */
export function acceptsEvents(accept: string | null): boolean {
  return accept !== null && /text\//i.test(accept) && typesOf(accept).some(isEvents);
}

function isEvents(type: string): boolean {
  return type === eventStream || type === 'text/*';
}

/** Returns the listed types in UTF-8, in lower case. */
function typesOf(accept: string): string[] {
  return accept
    .replace(/[ \t]/g, '')
    .toLowerCase()
    .split(',')
    .map((entry) => entry.split(';'))
    .filter(([, ...parameters]) => (parameters.find((one) => one.includes('charset=')) ?? utf8) === utf8)
    .map(([type = '']) => type);
}

const utf8 = 'charset=utf-8';
