import { apache } from './software/apache.ts';
import { authlib } from './software/authlib.ts';
import { caddy } from './software/caddy.ts';
import { haproxy } from './software/haproxy.ts';
import { nginx } from './software/nginx.ts';
import { python } from './software/python.ts';
import type { Stack } from './stack.ts';

/** All stacks, in the order in which they run. */
export const stacks: Stack[] = [nginx, caddy, haproxy, apache, authlib, python];
