import express from 'express';
import { type Auth, createVerifier, expressAuth } from 'graphql-sessions/verify';

declare global {
  namespace Express {
    interface Request {
      auth?: Auth | null;
    }
  }
}

const verifier = createVerifier({
  url: process.env.AUTH_URL ?? 'http://localhost:4000',
  clientId: process.env.CLIENT_ID ?? '',
  clientSecret: process.env.CLIENT_SECRET ?? '',
});

const app = express();
app.use(expressAuth(verifier));

app.all('/orders', (request, response) => {
  const user = request.auth?.user;
  if (!user) response.status(401).json({ error: 'Sign in first.' });
  else response.json({ buyer: user.email });
});

export const server = app.listen(Number(process.env.PORT ?? 3000));
