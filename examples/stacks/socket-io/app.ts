import { createServer } from 'node:http';
import { type Auth, createVerifier, socketIoAuth } from 'graphql-sessions/verify';
import { type DefaultEventsMap, Server } from 'socket.io';

type NoEvents = DefaultEventsMap;

const verifier = createVerifier({
  url: process.env.AUTH_URL ?? 'http://localhost:4000',
  clientId: process.env.CLIENT_ID ?? '',
  clientSecret: process.env.CLIENT_SECRET ?? '',
});

const server = createServer().listen(Number(process.env.PORT ?? 3000));
const io = new Server<NoEvents, NoEvents, NoEvents, { auth?: Auth | null }>(server);
io.use(socketIoAuth(verifier));
io.on('connection', (socket) => {
  const user = socket.data.auth?.user;
  if (user) socket.emit('hello', user.email);
  else socket.disconnect(true);
});
