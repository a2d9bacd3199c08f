import { createServer, type IncomingMessage } from 'node:http';
import { type Auth, createVerifier, wsAuth } from 'graphql-sessions/verify';
import { type WebSocket, WebSocketServer } from 'ws';

const verifier = createVerifier({
  url: process.env.AUTH_URL ?? 'http://localhost:4000',
  clientId: process.env.CLIENT_ID ?? '',
  clientSecret: process.env.CLIENT_SECRET ?? '',
});

const webSocketServer = new WebSocketServer({ noServer: true });
webSocketServer.on('connection', (socket: WebSocket, _request: IncomingMessage, auth: Auth | null) => {
  if (auth?.user) socket.send(`Hello ${auth.user.email}`);
  else socket.close(4401, 'Sign in first.');
});

export const server = createServer().listen(Number(process.env.PORT ?? 3000));
server.on('upgrade', wsAuth(verifier, webSocketServer));
