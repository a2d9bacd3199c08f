/** Passwords and addresses of the databases, which live only as long as the check. */
import { randomUUID } from 'node:crypto';
import type { Machine } from './machines.ts';

export const passwords = { superuser: randomUUID(), replication: randomUUID(), sessions: randomUUID() };

export function superuserUrl({ address }: Machine): string {
  return `postgresql://postgres:${passwords.superuser}@${address}:5432/postgres`;
}

/** Returns the URL that names all machines, so that the servers find the primary by themselves. */
export function severalHosts(machines: Machine[]): string {
  const hosts = machines.map(({ address }) => `${address}:5432`).join(',');
  return `postgresql://sessions:${passwords.sessions}@${hosts}/sessions?target_session_attrs=read-write`;
}

/** Returns the statements that create the database of the server and its user. */
export function createSessions(): string[] {
  return [`CREATE ROLE sessions LOGIN PASSWORD '${passwords.sessions}'`, 'CREATE DATABASE sessions OWNER sessions'];
}
