import { createServer, type ServerResponse } from 'node:http';
import { createVerifier, Refusal, type UserSession } from 'graphql-sessions/verify';

const { closeWith, verify } = createVerifier({
  url: process.env.AUTH_URL ?? 'http://localhost:4000',
  clientId: process.env.CLIENT_ID ?? '',
  clientSecret: process.env.CLIENT_SECRET ?? '',
});

function sendEvents(response: ServerResponse, session: UserSession): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write('data: Hello\n\n');
  // #region closeWith
  const forget = closeWith(session, (reason) => response.end(`data: ${reason}\n\n`));
  response.once('close', forget);
  // #endregion
}

export const server = createServer(async (request, response) => {
  try {
    const auth = await verify(request);
    if (auth?.user) sendEvents(response, auth.session);
    else response.writeHead(401).end('Sign in first.');
  } catch (error) {
    if (!(error instanceof Refusal)) console.error(error);
    response.writeHead(error instanceof Refusal ? error.status : 500).end();
  }
}).listen(Number(process.env.PORT ?? 3000));
