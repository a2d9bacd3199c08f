import Fastify from 'fastify';
import { type Auth, createVerifier, fastifyAuth } from 'graphql-sessions/verify';

declare module 'fastify' {
  interface FastifyRequest {
    auth: Auth | null;
  }
}

const verifier = createVerifier({
  url: process.env.AUTH_URL ?? 'http://localhost:4000',
  clientId: process.env.CLIENT_ID ?? '',
  clientSecret: process.env.CLIENT_SECRET ?? '',
});

export const app = Fastify();
app.decorateRequest('auth', null);
app.addHook('onRequest', fastifyAuth(verifier));

app.all('/orders', async (request, reply) => {
  const user = request.auth?.user;
  if (!user) return reply.code(401).send({ error: 'Sign in first.' });
  return { buyer: user.email };
});

await app.listen({ port: Number(process.env.PORT ?? 3000) });
