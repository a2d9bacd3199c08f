import type { PasswordPolicy } from '../../src/config/config.ts';
import { WrongPasswordError } from '../../src/errors.ts';
import { withHashingSlot } from '../../src/passwords/hashing-queue.ts';
import { requirePassword } from '../../src/passwords/password.ts';

/** Checks a password as a login does: in a hashing slot, and with the delay of a wrong one. */
export async function check(password: string, hashedPassword: string | null, policy: PasswordPolicy) {
  try {
    const rehashed = await withHashingSlot(policy, () => requirePassword(password, hashedPassword, policy));
    return { isRight: true, rehashed };
  } catch (error) {
    if (!(error instanceof WrongPasswordError)) throw error;
    return { isRight: false, rehashed: null };
  }
}

/** Returns whether a password is the right one. */
export async function verify(password: string, hashedPassword: string | null, policy: PasswordPolicy) {
  return (await check(password, hashedPassword, policy)).isRight;
}
