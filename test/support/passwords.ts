import type { PasswordPolicy } from '../../src/config/config.ts';
import { withHashingSlot } from '../../src/passwords/hashing-queue.ts';
import { checkPassword } from '../../src/passwords/password.ts';

/** Checks a password as a login does: in turn, and with the wait for a wrong one. */
export function check(password: string, hashedPassword: string | null, policy: PasswordPolicy) {
  return withHashingSlot(policy, (turn) => checkPassword(password, hashedPassword, policy, turn));
}

/** Whether a password is the right one. */
export async function verify(password: string, hashedPassword: string | null, policy: PasswordPolicy) {
  return (await check(password, hashedPassword, policy)).isRight;
}
