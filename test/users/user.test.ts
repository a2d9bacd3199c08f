import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config.ts';
import { authenticate, createUser, prepareUser } from '../../src/users/user.ts';
import { openEmptyDatabase } from '../support/database.ts';

const policy = readConfig({}).passwords;

describe('authenticate', () => {
  it('does as much work for an unknown email as for a wrong password', async () => {
    const { database } = await openEmptyDatabase();
    const ada = { email: 'ada@example.com', password: 'correct horse battery staple' };
    await createUser(database, await prepareUser(ada, policy));
    const work = async (email: string) => {
      const began = process.cpuUsage();
      for (let round = 0; round < 20; round += 1) {
        await expect(authenticate(database, email, 'not the password', policy)).rejects.toThrow('is wrong');
      }
      return process.cpuUsage(began).user;
    };
    await work(ada.email);
    const ratio = (await work('bob@example.com')) / (await work(ada.email));
    expect(ratio).toBeGreaterThan(0.5);
    expect(ratio).toBeLessThan(2);
  });
});
