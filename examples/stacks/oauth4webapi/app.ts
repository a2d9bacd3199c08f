import { createServer } from 'node:http';
import * as oauth from 'oauth4webapi';

// PUBLIC_URL of the server.
const issuer = new URL('https://app.example.com');
const discovery = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2' });
const server = await oauth.processDiscoveryResponse(issuer, discovery);

// With this algorithm, the library asks for signed answers, and checks issuer, audience and time.
const client = { client_id: process.env.CLIENT_ID ?? '', introspection_signed_response_alg: 'ES256' };
const authentication = oauth.ClientSecretBasic(process.env.CLIENT_SECRET ?? '');

/** Returns the user of a token. Undefined without one, also for an anonymous session, which is active. */
async function userOf(token: string): Promise<string | undefined> {
  const response = await oauth.introspectionRequest(server, client, authentication, token);
  const { active, sub } = await oauth.processIntrospectionResponse(server, client, response);
  await oauth.validateApplicationLevelSignature(server, response);
  return active ? sub : undefined;
}

async function revoke(token: string): Promise<void> {
  await oauth.processRevocationResponse(await oauth.revocationRequest(server, client, oauth.None(), token));
}

createServer(async (request, response) => {
  try {
    const [, token] = /^bearer ([^ ]+)$/i.exec(request.headers.authorization ?? '') ?? [];
    const userId = token && (await userOf(token));
    if (!userId) {
      response.writeHead(401, { 'www-authenticate': 'Bearer' }).end();
    } else if (request.method === 'POST' && request.url === '/logout') {
      await revoke(token);
      response.writeHead(204).end();
    } else {
      response.end(JSON.stringify({ userId }));
    }
  } catch (error) {
    console.error(error);
    response.writeHead(503, { 'retry-after': '1' }).end();
  }
}).listen(3000);
