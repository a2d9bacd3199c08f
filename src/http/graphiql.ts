import { exampleOperations } from './graphiql-examples.ts';

/** The page holds all its code and styles, and may talk to nobody but the server that it came from. */
export const graphiqlPolicy = [
  "default-src 'none'",
  "script-src 'unsafe-inline' blob:",
  'worker-src blob:',
  "style-src 'unsafe-inline'",
  'img-src data:',
  'font-src data:',
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

let page: Promise<string> | undefined;

/** GraphiQL as one page that needs no other host. It is large, and made when first asked for. */
export function graphiqlPage(endpoint: string): Promise<string> {
  page ??= render(endpoint);
  return page;
}

async function render(endpoint: string): Promise<string> {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  const html = renderGraphiQL({
    title: 'Users and sessions',
    endpoint,
    credentials: 'same-origin',
    method: 'POST',
    defaultTabs: exampleOperations.map((query) => ({
      query,
      variables: query.includes('$id') ? '{ "id": "" }' : null,
    })),
    schemaDescription: true,
  });
  return html.replace('<div id="root">', () => `<script>${signedInByCookie(endpoint)}</script><div id="root">`);
}

/**
 * Lets the page work signed in by cookie: what it sends carries the anti-CSRF token of the session, which it asks the
 * server for, as any page of this origin may.
 */
function signedInByCookie(endpoint: string): string {
  return `(() => {
  const send = window.fetch;
  const ask = async () => {
    const body = JSON.stringify({ query: '{ currentSession { antiCSRFToken } }' });
    const headers = { 'content-type': 'application/json' };
    const response = await send(${JSON.stringify(endpoint)}, { method: 'POST', headers, body });
    return (await response.json()).data?.currentSession?.antiCSRFToken;
  };
  window.fetch = async (input, init = {}) => {
    const headers = new Headers(init.headers);
    if (init.method === 'POST' && !headers.has('anti-csrf') && !headers.has('authorization')) {
      const token = await ask();
      if (token) headers.set('anti-csrf', token);
    }
    return send(input, { ...init, headers });
  };
})();`;
}
