import type { AssetName } from './assets.ts';
import { exampleOperations } from './examples.ts';

/** Returns the script that starts GraphiQL, as the page of `@graphql-yoga/render-graphiql` does inline. */
export function startScript(pathOf: (name: AssetName) => string, endpoint: string): string {
  const workers = {
    editorWorkerService: pathOf('editor.worker.js'),
    json: pathOf('json.worker.js'),
    graphql: pathOf('graphql.worker.js'),
  };
  const options = {
    title: 'Users and sessions',
    endpoint,
    credentials: 'same-origin',
    method: 'POST',
    defaultTabs: exampleOperations.map((query) => ({
      query,
      variables: query.includes('$id') ? '{ "id": "" }' : null,
    })),
    schemaDescription: true,
  };
  return `const workers = ${JSON.stringify(workers)};
self.MonacoEnvironment = { globalAPI: false, getWorkerUrl: (moduleId, label) => workers[label] };
addEventListener('DOMContentLoaded', () => {
  YogaGraphiQL.renderYogaGraphiQL(document.querySelector('#root'), ${JSON.stringify(options)});
});
${signedInByCookie(endpoint)}`;
}

/**
 * Returns the script that lets the page use a cookie session: it adds the anti-CSRF token of the session to each
 * request. It asks the server for the token, as any page of this origin may.
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
