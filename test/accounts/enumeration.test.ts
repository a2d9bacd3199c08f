/** @module-tag slow/timing */
import { describe, expect, it } from 'vitest';
import { createApp } from '../../src/http/front-door.ts';
import { Client, password, realHashing, startApi, type TestApi } from '../support/api.ts';
import { foreignHashes } from '../support/foreign-hashes.ts';

const rounds = 24;

/** Milliseconds that each of two requests took, sent in turn so that both meet the same machine. */
async function timesOf(one: (round: number) => Promise<unknown>, other: (round: number) => Promise<unknown>) {
  const times: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, act] of [one, other].entries()) {
      const began = performance.now();
      await act(round);
      times[index as 0 | 1].push(performance.now() - began);
    }
  }
  return times;
}

/**
 * How likely it is that a time of the first comes before one of the second (the statistic of Mann and Whitney): one
 * half where they cannot be told apart, zero or one where they can.
 */
function separation([ones, others]: [number[], number[]]): number {
  const pairs = ones.flatMap((one) => others.map((other) => (one < other ? 1 : one === other ? 0.5 : 0)));
  return pairs.reduce((sum: number, pair) => sum + pair, 0) / pairs.length;
}

/** What takes one millisecond where the other takes ten, or two statements more, is far outside of this. */
function expectAlike(times: [number[], number[]]): void {
  expect(separation(times)).toBeGreaterThan(0.2);
  expect(separation(times)).toBeLessThan(0.8);
}

/** Known and unknown addresses, a new one of each for every round, so that no limit is met. */
async function withUsers(api: TestApi): Promise<void> {
  const hashedPassword = await hashOf(api);
  const data = Array.from({ length: 2 * rounds }, (_, n) => ({
    email: `known${n}@example.com`,
    role: 'user',
    hashedPassword,
  }));
  await api.database.user.createMany({ data });
}

async function hashOf(api: TestApi): Promise<string> {
  await api.signUp('template@example.com');
  const { hashedPassword } = await api.database.user.findUniqueOrThrow({ where: { email: 'template@example.com' } });
  return hashedPassword ?? '';
}

describe('the time of an answer', () => {
  it('could be told from another one that takes longer', async () => {
    // The second takes four times as long, whatever the machine does besides.
    const wait = async (times: number) => {
      for (let time = 0; time < times; time += 1) await new Promise((resolve) => setTimeout(resolve, 2));
    };
    const times = await timesOf(
      () => wait(1),
      () => wait(4),
    );
    expect(separation(times)).toBeGreaterThan(0.85);
  });

  it('does not tell whether an address is known: login', async () => {
    const api = await startApi({ passwords: realHashing });
    await withUsers(api);
    const wrong = (email: string) => api.client().login(email, 'BEARER', 'not the password');
    await wrong('known0@example.com');
    expectAlike(
      await timesOf(
        (n) => wrong(`known${n}@example.com`),
        (n) => wrong(`unknown${n}@example.com`),
      ),
    );
  });

  it('does not tell it by a hash that is cheaper than today’s: login', async () => {
    const api = await startApi({ passwords: realHashing });
    await withUsers(api);
    await api.database.user.updateMany({ data: { hashedPassword: foreignHashes['bcrypt $2b$'] } });
    const wrong = (email: string) => api.client().login(email, 'BEARER', 'not the password');
    for (let round = 0; round < 3; round += 1) await wrong(`known${rounds + round}@example.com`);
    expectAlike(
      await timesOf(
        (n) => wrong(`known${n}@example.com`),
        (n) => wrong(`unknown${n}@example.com`),
      ),
    );
  });

  it('does not tell it: requestPasswordReset', async () => {
    const api = await startApi({ passwords: realHashing });
    await withUsers(api);
    const ask = (email: string) => api.client().act('requestPasswordReset', { email });
    await ask('known0@example.com');
    expectAlike(
      await timesOf(
        (n) => ask(`known${n}@example.com`),
        (n) => ask(`unknown${n}@example.com`),
      ),
    );
  });

  it('does not tell it: signUp, where that is private', async () => {
    const api = await startApi({ passwords: realHashing });
    await withUsers(api);
    const hidden = startApiOn(api);
    const ask = (email: string) => hidden.act('signUp', { email, password });
    await ask('known0@example.com');
    expectAlike(
      await timesOf(
        (n) => ask(`known${n}@example.com`),
        (n) => ask(`unknown${n}@example.com`),
      ),
    );
  });

  it('does not tell it: requestEmailChange', async () => {
    const api = await startApi({ passwords: realHashing });
    await withUsers(api);
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const ask = (newEmail: string) => ada.act('requestEmailChange', { newEmail, password });
    await ask('known0@example.com');
    expectAlike(
      await timesOf(
        (n) => ask(`known${n}@example.com`),
        (n) => ask(`unknown${n}@example.com`),
      ),
    );
  });
});

/** A client of a second server on the same database, where sign-up is private. */
function startApiOn(api: TestApi) {
  const config = { ...api.config, isSignUpPrivate: true };
  const app = createApp({ database: api.database, config, report: () => {}, now: () => api.clock.now });
  return new Client(app, config.publicUrl);
}
