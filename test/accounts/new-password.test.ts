import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { password, startApi } from '../support/api.ts';

const signUp = `mutation ($email: String!, $password: String!, $name: String) {
  signUp(email: $email, password: $password, name: $name) {
    __typename ... on ValidationError { issues { path message } } } }`;
const change = `mutation ($current: String!, $new: String!) {
  changePassword(currentPassword: $current, newPassword: $new) {
    __typename ... on ValidationError { issues { path message } } } }`;

describe('new password', () => {
  it('is refused at sign-up, with the reason, if it is common or contains the user’s address or name', async () => {
    const { client, database } = await startApi();
    const issues = async (secret: string, name?: string) => {
      const { signUp: result } = await client().ask(signUp, { email: 'grace@navy.example', password: secret, name });
      return result.issues;
    };
    expect(await issues('Password!Password!')).toEqual([
      { path: ['password'], message: expect.stringMatching(/one of the most used ones.*unrelated words/) },
    ]);
    expect(await issues('grace@navy.example')).toEqual([
      { path: ['password'], message: expect.stringContaining('your email address') },
    ]);
    expect(await issues('hopper hopper 1906', 'Brewster Hopper')).toEqual([
      { path: ['password'], message: expect.stringContaining('your name') },
    ]);
    expect(await issues('localhost-localhost')).toEqual([
      { path: ['password'], message: expect.stringContaining('the name of this service') },
    ]);
    expect(await database.user.count()).toBe(0);
    expect(await issues(password)).toBeUndefined();
  });

  it('is reported together with all other validation errors', async () => {
    const { client } = await startApi();
    const { signUp: result } = await client().ask(signUp, {
      email: 'nobody',
      password: 'a'.repeat(15),
      name: '\u0000',
    });
    expect(result.issues.map(({ path }: { path: string[] }) => path.join('.'))).toEqual(['email', 'name', 'password']);
  });

  it('is refused by changePassword in the same way, and nothing changes', async () => {
    const api = await startApi();
    const ada = await api.signUp('ada@example.com', 'BEARER');
    const { changePassword } = await ada.ask(change, { current: password, new: 'ada@example.com-2026' });
    expect(changePassword.issues).toEqual([
      { path: ['newPassword'], message: expect.stringContaining('your email address') },
    ]);
    expect(await api.client().login('ada@example.com')).toMatchObject({ __typename: 'SignInPayload' });
  });

  it('is refused if the configured range service knows it, and only then', async () => {
    const breached = createHash('sha1').update('a phrase from a breach').digest('hex').toUpperCase();
    const service = createServer((_request, response) => response.end(`${breached.slice(5)}:7\r\n`));
    await once(service.listen(0, '127.0.0.1'), 'listening');
    onTestFinished(() => {
      service.closeAllConnections();
      service.close();
    });
    const { port } = service.address() as AddressInfo;
    const { passwords } = readConfig({ PASSWORD_RANGE_URL: `http://127.0.0.1:${port}/` });
    const { client } = await startApi({ passwords });
    const variables = { email: 'ada@example.com', password: 'a phrase from a breach' };
    expect((await client().ask(signUp, variables)).signUp.issues).toEqual([
      { path: ['password'], message: expect.stringContaining('from a breach') },
    ]);
    expect((await client().ask(signUp, { ...variables, password })).signUp.__typename).toBe('SignInPayload');
    const without = await startApi();
    expect((await without.client().ask(signUp, variables)).signUp.__typename).toBe('SignInPayload');
  });
});
