/** The interface of a stack: third-party software that asks the server whose request it got. */
import type { Answer, Send, Transport } from '../checks/client.ts';
import type { Program } from '../checks/processes.ts';

/** The addresses in the files of examples/stacks, which run unchanged. */
export const ports = { accounts: 4000, tls: 4443, application: 3000, proxy: 8080 };

export type Stack = {
  name: string;
  /** The places in which its clients may send their tokens. */
  transports: Transport[];
  /** The port to which clients send requests. */
  port: number;
  /** The path that checks requests, by GET and POST: `/` by default. It answers signed-in users with 200. */
  path?: string;
  /** Returns the user that an answer names, by id or email address: its `userId` by default. */
  userOf?(body: Record<string, unknown>): unknown;
  /** The protocol of its clients. By default, they send plain requests. */
  dialect?: Dialect;
  /** True for a proxy, which passes requests for `/graphql` on to the server, and all others to an application. */
  isProxy: boolean;
  /** True for a GraphQL gateway, which passes operations on to the server and a backend. */
  isGateway?: boolean;
  /** True if it refuses requests that pages of other sites forge with the cookie of the user. */
  refusesForgery: boolean;
  /** True if it also removes headers such as `X_Auth_User_Id`, which applications may take for `X-Auth-User-Id`. */
  removesUnderscores: boolean;
  /** True if `POST /logout` ends the session by token revocation (RFC 7009). */
  revokes?: boolean;
  /** The status while the server itself does not answer, if it cannot be 503. */
  statusWithoutServer?: number;
  /** The checks of software that speaks another protocol than HTTP, by name. They take the place of all others. */
  ownChecks?: Record<string, (stack: Stack, transport: Transport) => Promise<void>>;
  /** The programs that it needs, by the names of their packages. */
  programs: Program[];
  /** Starts the software, and returns when it answers. The harness ends all processes. */
  start(place: Place): Promise<void>;
};

/** Turns plain requests and answers into those of another protocol over HTTP, and back. */
export type Dialect = { toRequest(plain: Send): Send; toAnswer(answer: Answer): Answer };

/** The means that the harness gives to a stack. */
export type Place = {
  /** A new folder for logs and the like. */
  folder: string;
  /** Credentials of a service client with the scopes `introspect` and `events`. */
  clientId: string;
  clientSecret: string;
  /** Starts a process that ends with the check, and waits until a port answers. */
  run(command: string, args: string[], options: { env?: Record<string, string>; port: number }): Promise<void>;
  /** Calls a function when the checks have ended. */
  atEnd(end: () => Promise<void>): void;
};
