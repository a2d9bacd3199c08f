import { createServer } from 'node:http';
import { createVerifier, Refusal } from 'graphql-sessions/verify';

const { requireCsrf, verify } = createVerifier({
  url: process.env.AUTH_URL ?? 'http://localhost:4000',
  clientId: process.env.CLIENT_ID ?? '',
  clientSecret: process.env.CLIENT_SECRET ?? '',
});

export const server = createServer(async (request, response) => {
  try {
    requireCsrf(request);
    const auth = await verify(request);
    if (auth?.user) response.end(`Orders of ${auth.user.email}`);
    else response.writeHead(401).end('Sign in first.');
  } catch (error) {
    if (error instanceof Refusal) {
      response.writeHead(error.status, error.headers).end(error.message);
    } else {
      console.error(error);
      response.writeHead(500).end();
    }
  }
}).listen(Number(process.env.PORT ?? 3000));
