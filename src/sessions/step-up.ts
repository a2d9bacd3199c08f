import type { PasswordPolicy } from '../config.ts';
import type { Db } from '../database/database.ts';
import { InvalidCredentialsError, ReauthenticationRequiredError } from '../errors.ts';
import { verifyPassword } from '../users/password.ts';
import type { User } from '../users/user.ts';
import { type Session, whereLive } from './session.ts';

/**
 * Notes that the user of a session has proved the password again, and returns the session as it is then.
 *
 * @throws InvalidCredentialsError for a wrong password, and where the session has ended meanwhile.
 */
export async function reauthenticate(
  db: Db,
  session: { id: number; user: User },
  password: string,
  passwords: PasswordPolicy,
  now: Date,
): Promise<Session> {
  const { hashedPassword } = session.user;
  if (!(await verifyPassword(password, hashedPassword, passwords))) throw new InvalidCredentialsError();
  const [updated] = await db.session.updateManyAndReturn({
    where: { id: session.id, user: { is: { hashedPassword } }, ...whereLive(now) },
    data: { authenticatedAt: now },
  });
  if (!updated) throw new InvalidCredentialsError();
  return updated;
}

/**
 * For acts that a device which was left unlocked must not be enough for.
 *
 * @throws ReauthenticationRequiredError if the user last proved the password longer ago than that, or never.
 */
export function requireRecentPassword(session: Session, maxAgeMs: number, now: Date): void {
  const { authenticatedAt } = session;
  const isRecent = authenticatedAt !== null && now.getTime() - authenticatedAt.getTime() <= maxAgeMs;
  if (!isRecent) throw new ReauthenticationRequiredError();
}
