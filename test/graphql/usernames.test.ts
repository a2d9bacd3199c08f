import { describe, expect, it } from 'vitest';
import { pruneExpired } from '../../src/maintenance/prune.ts';
import { type Client, type Data, password, type Settings, startApi, type TestApi } from '../support/api.ts';
import { deliverMail, tokenIn } from '../support/mail.ts';

const usernames = { isEnabled: true, reserved: ['acme'] };
const email = 'ada@example.com';
const wrong = 'not the right password';
const day = 86_400_000;

function start(settings: Settings = {}) {
  return startApi({ usernames, ...settings });
}

function later(api: TestApi, ms: number): void {
  api.clock.now = new Date(api.clock.now.getTime() + ms);
}

async function change(client: Client, username: string | null): Promise<Data> {
  const mutation = `mutation ($username: String) { changeUsername(username: $username) {
    __typename ... on ViewerPayload { viewer { username } } ... on UserError { code } } }`;
  return (await client.ask(mutation, { username })).changeUsername;
}

/** Signs a user up with a username. */
async function withUsername(api: TestApi, address: string, username: string): Promise<Client> {
  const client = await api.signUp(address);
  expect(await change(client, username)).toMatchObject({ viewer: { username: username.toLowerCase() } });
  return client;
}

async function loginAs(client: Client, identifier: string, secret = password): Promise<Data> {
  const mutation = `mutation ($identifier: String!, $password: String!) {
    login(identifier: $identifier, password: $password, transport: BEARER) {
      __typename ... on SignInPayload { token deviceToken viewer { email username } }
      ... on UserError { code message } ... on RateLimitedError { retryAfterSeconds }
      ... on ValidationError { issues { path } } } }`;
  return (await client.ask(mutation, { identifier, password: secret })).login;
}

const taken = { code: 'USERNAME_TAKEN' };

describe('login by identifier', () => {
  it('takes a username in any case, or an address', async () => {
    const api = await start();
    await withUsername(api, email, 'Ada_1');
    for (const identifier of ['ada_1', ' ADA_1', email, 'Ada@Example.com']) {
      expect(await loginAs(api.client(), identifier), identifier).toMatchObject({
        viewer: { email, username: 'ada_1' },
      });
    }
  });

  it('takes exactly one of the address and the identifier', async () => {
    const api = await start();
    for (const args of ['', `email: "${email}", identifier: "${email}",`, 'email: null, identifier: null,']) {
      const { code } = await api.client().send(`mutation { login(${args} password: "x") { __typename } }`);
      expect(code, args).toBe('BAD_USER_INPUT');
    }
  });

  it('refuses a text that is neither', async () => {
    const api = await start();
    for (const identifier of ['', 'a', 'ada lovelace', 'ada@', 'x'.repeat(1_000)]) {
      const refusal = { code: 'VALIDATION_FAILED', issues: [{ path: ['identifier'] }] };
      expect(await loginAs(api.client(), identifier), identifier).toMatchObject(refusal);
    }
  });

  it('takes an address, and no username, on a server without usernames', async () => {
    const api = await start();
    await withUsername(api, email, 'ada');
    api.config.usernames.isEnabled = false;
    expect(await loginAs(api.client(), email)).toMatchObject({ __typename: 'SignInPayload' });
    expect(await loginAs(api.client(), 'ada')).toMatchObject({ code: 'VALIDATION_FAILED' });
    api.config.usernames.isEnabled = true;
  });

  it('counts attempts by username with those by address', async () => {
    const api = await start({ attempts: { perAccount: 4 } });
    await withUsername(api, email, 'ada');
    const eve = api.client();
    for (const identifier of ['ada', email, 'ADA', email]) {
      expect(await loginAs(eve, identifier, wrong)).toMatchObject({ code: 'INVALID_CREDENTIALS' });
    }
    for (const identifier of ['ada', email])
      expect(await loginAs(eve, identifier)).toMatchObject({ retryAfterSeconds: 30 });
  });

  it('answers the same for an unknown username, by the same statements', async () => {
    const api = await start({ attempts: { perAccount: 2 } });
    await withUsername(api, email, 'ada');
    const seen = [];
    for (const identifier of ['ada', 'nobody']) {
      api.statements.length = 0;
      const eve = Object.assign(api.client(), {
        address: '203.0.113.7',
        deviceToken: `${'0'.repeat(32)}.${'A'.repeat(43)}`,
      });
      const answers = [];
      for (let time = 0; time < 3; time += 1) answers.push(await loginAs(eve, identifier, wrong));
      seen.push({ answers, statements: [...api.statements] });
    }
    expect(seen[0]).toEqual(seen[1]);
    expect(seen[0]?.answers.map(({ code }) => code)).toEqual([...Array(2).fill('INVALID_CREDENTIALS'), 'RATE_LIMITED']);
    expect((await deliverMail(api)).filter(({ name }) => name === 'failed-logins')).toMatchObject([{ to: email }]);
  });

  it('knows the trusted devices of the account', async () => {
    const api = await start({ attempts: { perAccount: 1 } });
    await withUsername(api, email, 'ada');
    const device = api.client();
    const { deviceToken } = await loginAs(device, 'ada');
    await loginAs(api.client(), 'ada', wrong);
    expect(await loginAs(api.client(), 'ada')).toMatchObject({ code: 'RATE_LIMITED' });
    expect(await loginAs(Object.assign(api.client(), { deviceToken }), 'ada')).toMatchObject({ viewer: { email } });
  });
});

describe('changeUsername', () => {
  it('gives, changes and removes a name, records it, and mails the user', async () => {
    const api = await start();
    const ada = await withUsername(api, email, 'Ada');
    expect(await change(ada, 'ada')).toMatchObject({ viewer: { username: 'ada' } });
    expect(await change(ada, 'lovelace')).toMatchObject({ viewer: { username: 'lovelace' } });
    expect(await change(ada, null)).toMatchObject({ viewer: { username: null } });
    const events = await api.database.auditEvent.findMany({ where: { type: 'USERNAME_CHANGED' } });
    expect(events.map(({ detail }) => detail)).toEqual([null, null, null]);
    const mails = await deliverMail(api);
    expect(mails.filter(({ name }) => name === 'username-changed').map(({ to }) => to)).toEqual([email, email, email]);
  });

  it('gives nobody the name of another user, or one that looks like it', async () => {
    const api = await start();
    await withUsername(api, email, 'bob');
    const eve = await api.signUp('eve@example.com');
    for (const username of ['bob', 'BOB', 'b0b', 'ＢＯＢ'])
      expect(await change(eve, username), username).toMatchObject(taken);
    expect(await change(eve, 'bob1')).toMatchObject({ viewer: { username: 'bob1' } });
    expect(api.reported).toEqual([]);
  });

  it('gives a name to one of many who want it at once', async () => {
    const api = await start();
    const clients = await Promise.all([1, 2, 3, 4].map((n) => api.signUp(`user${n}@example.com`)));
    const results = await Promise.all(clients.map((client) => change(client, 'ada')));
    expect(results.filter(({ viewer }) => viewer)).toHaveLength(1);
    expect(results.filter(({ code }) => code === 'USERNAME_TAKEN')).toHaveLength(3);
    expect(api.reported).toEqual([]);
  });

  it('gives nobody a reserved name', async () => {
    const api = await start();
    const eve = await api.signUp('eve@example.com');
    for (const username of ['admin', 'r00t', 'postmaster', 'ACME'])
      expect(await change(eve, username)).toMatchObject(taken);
  });

  it.each([null, 'eve'])('keeps a name that was given up for its user, for 30 days: %s', async (next) => {
    const api = await start();
    const ada = await withUsername(api, email, 'ada');
    await change(ada, next);
    const eve = await api.signUp('eve@example.com');
    later(api, 30 * day - 1);
    await pruneExpired(api.database, api.clock.now);
    const { token } = await loginAs(eve, 'eve@example.com');
    Object.assign(eve, { token, cookie: null, antiCSRFToken: null });
    expect(await change(eve, 'ada')).toMatchObject(taken);
    later(api, 1);
    await pruneExpired(api.database, api.clock.now);
    expect(await api.database.formerUsername.count()).toBe(0);
    expect(await change(eve, 'ada')).toMatchObject({ viewer: { username: 'ada' } });
  });

  it('gives a user a former name back', async () => {
    const api = await start();
    const ada = await withUsername(api, email, 'ada');
    await change(ada, 'lovelace');
    expect(await change(ada, 'ada')).toMatchObject({ viewer: { username: 'ada' } });
    const eve = await api.signUp('eve@example.com');
    expect(await change(eve, 'lovelace')).toMatchObject(taken);
  });

  it('keeps the name of a deleted user for 30 days, without the user', async () => {
    const api = await start();
    const ada = await withUsername(api, email, 'ada');
    await ada.act('deleteAccount', { password });
    const [kept] = await api.database.formerUsername.findMany();
    expect(kept).toMatchObject({ userId: null });
    expect(kept?.hashedKey).not.toContain('ada');
    const eve = await api.signUp('eve@example.com');
    expect(await change(eve, 'ada')).toMatchObject(taken);
  });

  it('lets a user keep five names from others in 30 days', async () => {
    const api = await start();
    const ada = await api.signUp(email);
    for (let n = 0; n < 5; n += 1) expect(await change(ada, `ada${n}`)).toMatchObject({ viewer: {} });
    expect(await change(ada, 'one-more')).toMatchObject({ code: 'RATE_LIMITED' });
    expect(await api.database.user.findFirst()).toMatchObject({ username: 'ada4' });
  });

  it('takes no name on a server without usernames', async () => {
    const api = await startApi();
    const ada = await api.signUp(email);
    const { code } = await ada.send('mutation { changeUsername(username: "ada") { __typename } }');
    expect(code).toBe('BAD_USER_INPUT');
    const signUp = `mutation { signUp(email: "b@example.com", password: "${password}", username: "bob") { __typename } }`;
    expect((await api.client().send(signUp)).code).toBe('BAD_USER_INPUT');
  });
});

describe('signUp with a username', () => {
  const signUp = async (client: Client, input: Data): Promise<Data> => {
    const mutation = `mutation ($email: String!, $password: String!, $username: String) {
      signUp(email: $email, password: $password, username: $username) {
        __typename ... on SignInPayload { viewer { username } } ... on UserError { code }
        ... on ValidationError { issues { path } } } }`;
    return (await client.ask(mutation, { password, ...input })).signUp;
  };

  it('creates the account with it, or not at all', async () => {
    const api = await start();
    expect(await signUp(api.client(), { email, username: 'Ada' })).toMatchObject({ viewer: { username: 'ada' } });
    expect(await signUp(api.client(), { email: 'eve@example.com', username: 'ADA' })).toMatchObject(taken);
    const invalid = await signUp(api.client(), { email: 'eve@example.com', username: 'a b' });
    expect(invalid).toMatchObject({ code: 'VALIDATION_FAILED', issues: [{ path: ['username'] }] });
    expect(await api.database.user.count()).toBe(1);
  });

  it('tells with private sign-up that the name is taken, and the same for every address', async () => {
    const api = await start();
    await withUsername(api, email, 'ada');
    api.config.isSignUpPrivate = true;
    for (const address of [email, 'eve@example.com']) {
      expect(await signUp(api.client(), { email: address, username: 'ada' })).toMatchObject(taken);
      const other = await signUp(api.client(), { email: address, username: 'other' });
      expect(other).toEqual({ __typename: 'MailRequestPayload' });
    }
  });

  it('gives the name at the confirmation of a private sign-up, if nobody has taken it meanwhile', async () => {
    const api = await start({ isSignUpPrivate: true });
    const confirm = async (address: string) => {
      await signUp(api.client(), { email: address, username: 'ada' });
      return tokenIn(await deliverMail(api), 'confirm-sign-up');
    };
    const tokens = [await confirm(email), await confirm('eve@example.com')];
    const names = [];
    for (const token of tokens) {
      const selection = '... on SignInPayload { viewer { username } }';
      names.push((await api.client().act('confirmSignUp', { token, password }, selection)).viewer?.username);
    }
    expect(names).toEqual(['ada', null]);
    expect(api.reported).toEqual([]);
  });
});

describe('User.username', () => {
  it('is found by administrators, by name and by search', async () => {
    const api = await start();
    await withUsername(api, email, 'lovelace');
    const root = await api.signUpAdmin('root@example.com');
    const query = `query ($by: UserBy!, $search: String) { user(by: $by) { email } users(search: $search) { nodes { username } } }`;
    expect(await root.ask(query, { by: { username: 'LoveLace' }, search: 'OVELAC' })).toEqual({
      user: { email },
      users: { nodes: [{ username: 'lovelace' }] },
    });
    expect(await root.ask(query, { by: { username: 'a b' }, search: 'x' })).toMatchObject({ user: null });
  });
});
