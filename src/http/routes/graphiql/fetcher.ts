/**
 * Returns the script with the function by which GraphiQL sends operations: `createFetcher`.
 *
 * GraphiQL learns a tenth of a second after an edit which operations the text has, and names one of the text before until
 * then. So the name is looked up in the text that is sent. Every failure becomes a short answer: of an error that is
 * thrown, GraphiQL shows the stack.
 *
 * A subscription is answered by server-sent events, which become an iterator of its messages. To stop it closes the
 * connection, also while it waits for a message.
 *
 * A page that is signed in by cookie needs the anti-CSRF token of its session. It asks the server for it, as any page of
 * this origin may. A request with a header of its own for this, or with a bearer token, needs none.
 */
export const fetcherScript = String.raw`
function operationNames(text) {
  const plain = text.replace(/"""(?:\\"""|[^])*?"""|"(?:\\.|[^"\\\n])*"|#.*/g, ' ');
  const tokens = plain.matchAll(/([{([])|([})\]])|\bfragment\s+\w+|\b(?:query|mutation|subscription)\s+(\w+)/g);
  const names = [];
  let depth = 0;
  for (const [, opening, closing, name] of tokens) {
    if (opening) depth += 1;
    else if (closing) depth -= 1;
    else if (name && depth === 0) names.push(name);
  }
  return names;
}

function messagesOf(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  async function* read() {
    let text = '';
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const blocks = (text + value).split('\n\n');
      text = blocks.pop();
      for (const block of blocks) {
        if (block.startsWith('event: complete')) return;
        if (block.startsWith('event: next')) yield JSON.parse(block.slice(block.indexOf('data: ') + 6));
      }
    }
  }
  const messages = read();
  return {
    next: () => messages.next(),
    return: () => reader.cancel().then(() => messages.return()),
    [Symbol.asyncIterator]() { return this; },
  };
}

function createFetcher(endpoint) {
  const post = async (body, headers) => {
    headers.set('content-type', 'application/json');
    headers.set('accept', 'application/graphql-response+json, application/json, text/event-stream');
    const response = await fetch(endpoint, { method: 'POST', credentials: 'same-origin', headers, body: JSON.stringify(body) });
    if (response.headers.get('content-type')?.startsWith('text/event-stream')) return messagesOf(response);
    const text = await response.text();
    try {
      return JSON.parse(text);
    } catch {
      throw new Error('The answer has the status ' + response.status + ', and is not JSON.');
    }
  };
  const antiCSRFToken = async () => {
    const { data } = await post({ query: '{ currentSession { antiCSRFToken } }' }, new Headers());
    return data?.currentSession?.antiCSRFToken;
  };
  return async ({ query, variables, operationName }, options) => {
    const names = operationNames(query);
    const name = names.includes(operationName) ? operationName : names[0];
    try {
      const headers = new Headers(options?.headers);
      if (!headers.has('anti-csrf') && !headers.has('authorization')) {
        const token = await antiCSRFToken();
        if (token) headers.set('anti-csrf', token);
      }
      return await post({ query, variables, operationName: name }, headers);
    } catch (error) {
      return { errors: [{ message: 'The request failed: ' + error.message }] };
    }
  };
}
`;
