import type { FixedHeaders } from '../../fixed-headers.ts';
import type { Incoming, Outgoing } from '../../messages.ts';
import { stripWhitespace } from '../../request/whitespace.ts';
import { type AssetName, assetTypes, loadAsset } from './assets.ts';

/** Allows scripts of this server only, none inline, and calls to this server only. GraphiQL's editor adds styles. */
export const graphiqlPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  'font-src data:',
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The size of the slices in which a file is passed to a connection. */
const chunkBytes = 64 * 1024;

/**
 * Returns a function that answers requests for GraphiQL, a page that needs no other host: the page at the GraphQL
 * endpoint, its files below it. A visit of `/` leads to the page. It returns null for all other requests.
 */
export function createGraphiql(endpoint: string, fixedHeaders: FixedHeaders) {
  const pathOf = (name: AssetName) => `${endpoint}/${name}`;
  const nameAt = new Map((Object.keys(assetTypes) as AssetName[]).map((name) => [pathOf(name), name]));
  const pageHeaders = {
    ...fixedHeaders,
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': graphiqlPolicy,
  };
  // The bytes are equal for all callers. So browsers may store them, but must revalidate them.
  const { vary: _, ...others } = fixedHeaders;
  const sameForAll = { ...others, 'cache-control': 'no-cache' };

  return async ({ method, headers }: Incoming, path: string): Promise<Outgoing | null> => {
    if (method !== 'GET') return null;
    if (path === endpoint || path === '/') {
      // A link to the page may have an operation in its query, which the page ignores. Programs ask for JSON here, or
      // for everything.
      if (!headers.get('accept')?.includes('text/html')) return null;
      if (path === '/') return { status: 302, headers: { ...fixedHeaders, location: endpoint }, body: null };
      return { status: 200, headers: { ...pageHeaders }, body: pageWith(pathOf) };
    }
    const name = nameAt.get(path);
    if (name === undefined) return null;
    const { bytes, etag } = await loadAsset(name, pathOf, endpoint);
    if (matches(headers.get('if-none-match'), etag)) {
      return { status: 304, headers: { ...sameForAll, etag }, body: null };
    }
    const ofAsset = { 'content-type': assetTypes[name], 'content-length': String(bytes.length), etag };
    return { status: 200, headers: { ...sameForAll, ...ofAsset }, body: streamOf(bytes) };
  };
}

function pageWith(pathOf: (name: AssetName) => string): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <title>Sessions</title>
    <link rel="icon" href="${pathOf('favicon.ico')}" />
    <link rel="stylesheet" href="${pathOf('graphiql.css')}" />
    <link rel="stylesheet" href="${pathOf('page.css')}" />
  </head>
  <body id="body" class="no-focus-outline">
    <noscript>GraphiQL needs JavaScript.</noscript>
    <div id="root"></div>
    <script src="${pathOf('start.js')}"></script>
    <script src="${pathOf('graphiql.js')}"></script>
  </body>
</html>
`;
}

/** Returns whether `If-None-Match` contains this entity tag, by the weak comparison (RFC 9110 section 13.1.2). */
function matches(condition: string | null, etag: string): boolean {
  const tags = (condition ?? '').split(',').map((tag) => stripWhitespace(tag).replace(/^W\//, ''));
  return tags.includes(etag) || tags.includes('*');
}

/** Streams the bytes in slices of the shared buffer, each on demand, so that no request holds a copy. */
function streamOf(bytes: Buffer): ReadableStream<Uint8Array> {
  let offset = 0;
  return new ReadableStream(
    {
      pull(controller) {
        controller.enqueue(bytes.subarray(offset, offset + chunkBytes));
        offset += chunkBytes;
        if (offset >= bytes.length) controller.close();
      },
    },
    { highWaterMark: 0 },
  );
}
