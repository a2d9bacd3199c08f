/** The addresses of the check. All names below localhost are this machine, for browsers too (RFC 6761 section 6.3). */
import { freePort } from '../../test/support/ports.ts';

export type Addresses = {
  ports: { server: number; next: number; spa: number };
  /** The server, as the backend of Next.js reaches it. */
  server: string;
  /** The server, as browsers reach it from the single-page application. */
  accounts: string;
  /** The application with Next.js. */
  next: string;
  /** The same, as programs reach it: many systems resolve no name below localhost for them. */
  nextBackend: string;
  /** The single-page application on another origin of the server's site. */
  spa: string;
  /** The same on another site. The server allows its origin. */
  otherSite: string;
  /** The same on an origin that the server does not allow. */
  foreign: string;
};

/** Finds free ports. */
export async function findAddresses(): Promise<Addresses> {
  const [server, next, spa] = await Promise.all([freePort(), freePort(), freePort()]);
  return {
    ports: { server, next, spa },
    server: `http://127.0.0.1:${server}`,
    accounts: `http://accounts.shop.localhost:${server}`,
    next: `http://www.shop.localhost:${next}`,
    nextBackend: `http://127.0.0.1:${next}`,
    spa: `http://app.shop.localhost:${spa}`,
    otherSite: `http://127.0.0.1:${spa}`,
    foreign: `http://localhost:${spa}`,
  };
}
