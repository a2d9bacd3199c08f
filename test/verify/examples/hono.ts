import { serve } from '@hono/node-server';
import { type AuthVariables, createVerifier, honoAuth } from 'graphql-sessions/verify';
import { Hono } from 'hono';

const verifier = createVerifier({
  url: process.env.AUTH_URL ?? 'http://localhost:4000',
  clientId: process.env.CLIENT_ID ?? '',
  clientSecret: process.env.CLIENT_SECRET ?? '',
});

export const app = new Hono<{ Variables: AuthVariables }>();
app.use(honoAuth(verifier));

app.all('/orders', (context) => {
  const user = context.get('auth')?.user;
  return user ? context.json({ buyer: user.email }) : context.json({ error: 'Sign in first.' }, 401);
});

export const server = serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 3000) });
