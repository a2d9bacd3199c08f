import { createServer } from 'node:http';
import { ClientSecretBasic, discovery, tokenIntrospection, tokenRevocation } from 'openid-client';

// PUBLIC_URL of the server.
const issuer = new URL('https://app.example.com');
const authentication = ClientSecretBasic(process.env.CLIENT_SECRET ?? '');
const config = await discovery(issuer, process.env.CLIENT_ID ?? '', {}, authentication, { algorithm: 'oauth2' });

/** Returns the user of a token. Undefined without one, also for an anonymous session, which is active. */
async function userOf(token: string): Promise<string | undefined> {
  const { active, sub } = await tokenIntrospection(config, token);
  return active ? sub : undefined;
}

createServer(async (request, response) => {
  try {
    const [, token] = /^bearer ([^ ]+)$/i.exec(request.headers.authorization ?? '') ?? [];
    const userId = token && (await userOf(token));
    if (!userId) {
      response.writeHead(401, { 'www-authenticate': 'Bearer' }).end();
    } else if (request.method === 'POST' && request.url === '/logout') {
      await tokenRevocation(config, token);
      response.writeHead(204).end();
    } else {
      response.end(JSON.stringify({ userId }));
    }
  } catch (error) {
    console.error(error);
    response.writeHead(503, { 'retry-after': '1' }).end();
  }
}).listen(3000);
