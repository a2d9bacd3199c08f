/** Headers in the form of the Fetch API, as in `Request.headers` and as `headers()` of Next.js returns them. */
export type HeaderReader = { get(name: string): string | null };

/** Headers as a record, as in `IncomingMessage.headers` of Node.js. `{ cookie, authorization }` is one too. */
export type HeaderRecord = { readonly [name: string]: string | readonly string[] | null | undefined };

/** A request, of any framework. */
export type WithHeaders = { readonly headers: HeaderReader | HeaderRecord };

/** A request with its headers, or the headers alone. */
export type HeaderSource = HeaderReader | HeaderRecord | WithHeaders;

/** Returns a reader of the headers of a request. Names are compared without case. */
export function readerOf(source: HeaderSource): HeaderReader {
  const headers = hasHeaders(source) ? source.headers : source;
  return isReader(headers) ? headers : { get: (name) => readRecord(headers, name) };
}

function hasHeaders(source: HeaderSource): source is WithHeaders {
  // A header of this name would be a text or a list of texts.
  return 'headers' in source && isObject(source.headers);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isReader(headers: HeaderReader | HeaderRecord): headers is HeaderReader {
  return typeof headers.get === 'function';
}

/** Returns the values of a header, joined as HTTP does (RFC 9110 section 5.3, RFC 9113 section 8.2.3 for cookies). */
function readRecord(headers: HeaderRecord, name: string): string | null {
  const separator = name === 'cookie' ? '; ' : ', ';
  const values = Object.entries(headers)
    .filter(([one, value]) => one.toLowerCase() === name && value !== null && value !== undefined)
    .flatMap(([, value]) => value);
  return values.length > 0 ? values.join(separator) : null;
}
