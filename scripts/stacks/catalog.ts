import { apache } from './software/apache.ts';
import { authlib } from './software/authlib.ts';
import { caddy } from './software/caddy.ts';
import { haproxy } from './software/haproxy.ts';
import { hiveGateway } from './software/hive-gateway.ts';
import { express, fastify, hono, oauth4webapi, openidClient, yoga } from './software/javascript.ts';
import { nginx } from './software/nginx.ts';
import { python } from './software/python.ts';
import { socketIo } from './software/socket-io.ts';
import type { Stack } from './stack.ts';

/** All stacks, in the order in which they run. */
export const stacks: Stack[] = [
  nginx,
  caddy,
  haproxy,
  apache,
  authlib,
  python,
  express,
  fastify,
  hono,
  yoga,
  oauth4webapi,
  openidClient,
  socketIo,
  hiveGateway,
];
