/** @module-tag slow/cluster */
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Answered, send } from '../support/load.ts';
import { startPostgresql } from '../support/postgresql-server.ts';
import { startServer } from '../support/process.ts';

const attempts = 300;
const password = 'correct horse battery staple';
const credentials = (email: string, secret: string) => `email: "${email}", password: "${secret}", transport: BEARER`;
const login = (email: string, secret: string) => `mutation { login(${credentials(email, secret)}) {
  __typename ... on RateLimitedError { retryAfterSeconds } } }`;

function results(answers: Answered[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status, body } of answers) {
    const name = body?.data?.login?.__typename ?? `status ${status}`;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

describe('three hundred concurrent wrong passwords on three nodes', () => {
  it('reach the hash function ten times, with or without an account', async () => {
    const server = await startPostgresql();
    onTestFinished(() => server.stop());
    const nodes: string[] = [];
    for (let node = 0; node < 3; node += 1) {
      nodes.push((await startServer(server.url, { LOGIN_ATTEMPTS: '10', CAPTCHA_AFTER: '0' })).address);
    }
    const at = (index: number) => nodes[index % nodes.length] ?? '';
    await send(at(0), `mutation { signUp(${credentials('ada@example.com', password)}) { __typename } }`);

    for (const email of ['ada@example.com', 'nobody@example.com']) {
      const guess = (_: unknown, n: number) => send(at(n), login(email, `guess number ${n} of them`));
      const begunAt = performance.now();
      const answers = await Promise.all(Array.from({ length: attempts }, guess));
      const tookSeconds = (performance.now() - begunAt) / 1_000;
      expect(results(answers)).toEqual({ InvalidCredentialsError: 10, RateLimitedError: attempts - 10 });
      const refusals = answers.flatMap(({ body }) => body.data.login.retryAfterSeconds ?? []);
      expect(refusals).toHaveLength(attempts - 10);
      // The first wait and no longer one, from when one of them was asked to when another was.
      for (const seconds of refusals) expect(Math.abs(seconds - 30), String(seconds)).toBeLessThan(tookSeconds + 1);
      expect(tookSeconds).toBeLessThan(29);
      console.log(`${email}: all were answered in ${Math.round(tookSeconds * 1_000)} ms`);
    }
    const { body } = await send(at(1), login('ada@example.com', password));
    expect(body.data.login.__typename).toBe('RateLimitedError');
  });
});
