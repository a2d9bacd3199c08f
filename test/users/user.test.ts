import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { lockUserWithPassword } from '../../src/users/lock.ts';
import { password } from '../support/api.ts';
import { openEmptyDatabase } from '../support/database.ts';
import { foreignHashes } from '../support/foreign-hashes.ts';
import { check } from '../support/passwords.ts';

const policy = readConfig({}).passwords;

describe('lockUserWithPassword', () => {
  const email = 'ada@example.com';

  async function adaWithForeignHash() {
    const { database } = await openEmptyDatabase();
    const data = { email, hashedPassword: foreignHashes['bcrypt $2b$'], role: 'user' };
    const user = await database.user.create({ data });
    const { rehashed } = await check(password, user.hashedPassword, policy);
    return { database, user, rehashed };
  }

  it('stores the new hash of the same password, and leaves everything else', async () => {
    const { database, user, rehashed } = await adaWithForeignHash();
    expect(rehashed).toMatch(/^\$argon2id\$/);
    const locked = await lockUserWithPassword(database, user, rehashed);
    expect(locked).toEqual({ ...user, hashedPassword: rehashed });
    expect(await check(password, locked.hashedPassword, policy)).toEqual({ isRight: true, rehashed: null });
    expect(await lockUserWithPassword(database, locked)).toEqual(locked);
  });

  it('refuses if the password was changed since it was checked, and keeps the changed one', async () => {
    const { database, user, rehashed } = await adaWithForeignHash();
    const changed = foreignHashes['pbkdf2_sha256 of Django'];
    await database.user.update({ where: { email }, data: { hashedPassword: changed } });
    await expect(lockUserWithPassword(database, user, rehashed)).rejects.toThrow('is wrong');
    expect(await database.user.findUnique({ where: { email } })).toMatchObject({ hashedPassword: changed });
  });

  it('refuses a user without a password: none was checked', async () => {
    const { database } = await openEmptyDatabase();
    const user = await database.user.create({ data: { email, role: 'user' } });
    await expect(lockUserWithPassword(database, user)).rejects.toThrow('is wrong');
  });
});
