/** @module-tag repeated */
import { type GraphQLField, isEnumType, isNonNullType } from 'graphql';
import { describe, expect, inject, it } from 'vitest';
import * as emailSignIn from '../../src/accounts/email-sign-in/email-sign-in.ts';
import { createPendingSignIn } from '../../src/accounts/sign-ins/pending.ts';
import { encrypt } from '../../src/encryption/encryption.ts';
import { createTotpSecret, saveAuthenticatorApp } from '../../src/factors/authenticator-app.ts';
import { hashPassword } from '../../src/passwords/password.ts';
import { commandScope } from '../../src/scope.ts';
import { levelOf } from '../../src/sessions/assurance/level.ts';
import { lacksSecondFactor } from '../../src/sessions/assurance/second-factor.ts';
import { methodsOf } from '../../src/sessions/proof.ts';
import { createChallenge } from '../../src/tokens/challenge.ts';
import { openMailedCode } from '../../src/tokens/mailed-code.ts';
import { createUserToken, type TokenPurpose } from '../../src/tokens/user-token.ts';
import type { User } from '../../src/users/user.ts';
import { type Client, password, startApi, type TestApi } from '../support/api.ts';
import { byEmail } from '../support/email-sign-in.ts';
import { rootFields } from '../support/generated-operations.ts';
import { type Random, randomFrom } from '../support/random.ts';
import { App, encryptionKeys } from '../support/second-factor.ts';

const email = 'grace@example.com';
const fresh = 'another staple of the horse battery';

/** Returns a token of each kind for the caller. */
async function linksFor({ database }: TestApi, userId: bigint, hashedPassword: string): Promise<string[]> {
  const createdAt = new Date();
  const expiresAt = new Date(createdAt.getTime() + 3_600_000);
  const create = (purpose: TokenPurpose, of: bigint | null, sentTo: string, data: string | null = null) =>
    createUserToken(database, { purpose, userId: of, sentTo, data, createdAt, expiresAt });
  return Promise.all([
    create('VERIFY_EMAIL', userId, email),
    create('RESET_PASSWORD', userId, email),
    create('CHANGE_EMAIL', userId, 'new@example.com'),
    create('KNOWN_DEVICE', userId, email),
    create('SIGN_UP', null, 'someone@example.com', JSON.stringify({ hashedPassword, name: '' })),
  ]);
}

/** The secrets of the app that the user may have, and of one that is being added. */
const secrets = { own: createTotpSecret(), added: createTotpSecret() };

/** Gives the user the app, whose codes were not used, or none. Returns arguments that answer challenges. */
async function challengesFor(api: TestApi, user: User, hasApp: boolean) {
  const { database, clock } = api;
  const { id: userId } = user;
  const scope = commandScope(clock.now);
  await database.authenticatorApp.deleteMany();
  await database.recoveryCode.deleteMany();
  if (hasApp) await saveAuthenticatorApp(database, encryptionKeys, { userId, secret: secrets.own, step: 0 }, clock.now);
  const request = { user, transport: 'BEARER', isRemembered: true, visitor: null, type: 'LOGGED_IN' } as const;
  const proof = { methods: ['password'], at: clock.now } as const;
  const signIn = await createPendingSignIn(database, scope, { ...request, proof });
  const data = encrypt(encryptionKeys, secrets.added, { table: 'Challenge', column: 'data', row: String(userId) });
  const times = { lifetimeMs: 600_000, transport: 'BEARER' } as const;
  const app = await createChallenge(database, scope, { purpose: 'AUTHENTICATOR_APP', userId, data, ...times });
  return {
    challenge: text(signIn.challenge, app.challenge),
    signIn: text(signIn.challenge),
    code: text(new App(secrets.added, api).code()),
    answer: [`{ totpCode: "${new App(secrets.own, api).code()}" }`],
  };
}

/** Returns a requested sign-in by email, as its mail was sent: the challenge, its code, and the token of the link. */
async function requestFor({ database, config, clock }: TestApi, user: User) {
  const { purpose, lifetimeMs } = emailSignIn;
  const scope = { ...commandScope(clock.now), deviceToken: null };
  const data = emailSignIn.formatRequest({ email, transport: 'BEARER', user });
  const of = { purpose, userId: user.id, lifetimeMs, data, transport: 'BEARER' } as const;
  const { challenge, expiresAt } = await createChallenge(database, scope, of);
  const handle = challenge.split('.')[0] ?? '';
  const { keys } = emailSignIn.requireEmailSignIn(config);
  const { code = '' } = (await openMailedCode(database, keys, handle, clock.now)) ?? {};
  const link = { purpose, userId: user.id, sentTo: email, data: JSON.stringify({ challenge: handle }) } as const;
  const token = await createUserToken(database, { ...link, createdAt: clock.now, expiresAt });
  return { challenge, code, token };
}

/** The arguments of a mutation, each with values that are right for this mutation or for another one. */
type Choices = { name: string; values: readonly string[] }[];

function choicesOf({ args }: GraphQLField<unknown, unknown>, right: Record<string, string[]>): Choices {
  return args.flatMap(({ name, type }) => {
    const inner = isNonNullType(type) ? type.ofType : type;
    const values = isEnumType(inner) ? inner.getValues().map((value) => value.name) : right[name];
    return values ? [{ name, values }] : [];
  });
}

/** Returns a mutation with one of the values for each argument. */
function mutationOf(name: string, choices: Choices, random: Random): string {
  const values = choices.map((argument) => `${argument.name}: ${random.pick(argument.values)}`);
  const selected = name === 'logout' ? 'revokedSessionId' : '__typename';
  return `mutation { ${name}${values.length > 0 ? `(${values.join(', ')})` : ''} { ${selected} } }`;
}

const text = (...values: string[]) => values.map((value) => JSON.stringify(value));

/** The arguments that are secrets, of a mail or a step before: new ones for each mutation. */
const secretArguments = new Set(['token', 'challenge', 'code', 'signIn', 'answer']);

/** Returns values for the secret arguments: all secrets of a user, each as it was just given out. */
async function secretsOf(api: TestApi, { user, hasApp = false }: Account, hashedPassword: string) {
  const requested = await requestFor(api, user);
  const links = [...(await linksFor(api, user.id, hashedPassword)), requested.token];
  const { challenge, code, ...others } = await challengesFor(api, user, hasApp);
  return {
    ...others,
    token: text(...links),
    challenge: [...challenge, ...text(requested.challenge)],
    code: [...code, ...text(requested.code)],
  };
}

type Account = { user: User; hasApp?: boolean };

/**
 * Sends every mutation many times, with all secrets of a user, and returns those that started a user's session. One with
 * few possible arguments is sent fewer times.
 *
 * @param account.user - as it is before each mutation
 * @param account.hasApp - whether the user has an authenticator app
 */
async function startingMutations(api: TestApi, account: Account, senders: (() => Client)[]): Promise<Set<string>> {
  const { database, config } = api;
  const { user } = account;
  const hashedPassword = await hashPassword(password, config.passwords);
  const random = randomFrom(7);
  const starting = new Set<string>();
  const isOfUser = { userId: { not: null }, hashedSessionToken: { not: null } };
  // Without a session, no others come as far as their arguments.
  const isPublicOnly = inject('isShort') && senders.length === 1;
  for (const { operation, field } of rootFields()) {
    if (operation === 'query' || (isPublicOnly && field.extensions.access !== 'public')) continue;
    const hasSecrets = field.args.some(({ name }) => secretArguments.has(name));
    let times = inject('isShort') ? 10 : 40;
    for (let time = 0; time < times; time += 1) {
      // After each mutation, the user exists as before, and the address of the others is free.
      await Promise.all([
        database.user.upsert({ where: { id: user.id }, create: user, update: user }),
        database.user.deleteMany({ where: { email: { in: ['someone@example.com', 'new@example.com'] } } }),
        database.rateLimit.deleteMany(),
      ]);
      const choices = choicesOf(field, {
        ...(hasSecrets && (await secretsOf(api, account, hashedPassword))),
        email: text(email, email, 'someone@example.com'),
        newEmail: text('new@example.com'),
        password: text(password),
        currentPassword: text(password),
        newPassword: text(fresh),
        required: ['true', 'false'],
        id: text(btoa(`User:${user.id}`)),
        sessionId: text('U2Vzc2lvbjox'),
        role: text('user', 'admin'),
        name: text('Grace'),
        data: ['{ a: 1 }'],
      });
      const possible = choices.reduce((product, { values }) => product * values.length, senders.length);
      times = Math.min(times, 4 * possible);
      const last = await database.session.findFirst({ orderBy: { id: 'desc' } });
      await random
        .pick(senders)()
        .send(mutationOf(field.name, choices, random));
      const where = { ...isOfUser, id: { gt: last?.id ?? 0n } };
      const started = await database.session.findMany({ where, include: { user: true } });
      for (const session of started) {
        starting.add(field.name);
        expect(levelOf(methodsOf(session.authenticationMethods))).not.toBeNull();
        // Also of the user as they were before the mutation.
        for (const owner of [session.user, session.userId === user.id ? user : null]) {
          expect(lacksSecondFactor({ ...session, user: owner }, config.secondFactor)).toBe(false);
        }
        expect(session.userId === user.id ? user.suspendedAt : null).toBeNull();
      }
    }
  }
  return starting;
}

const patient = { perAccount: 50, perAddress: 1_000_000, signUpsPerAddress: 1_000_000 };

async function start() {
  const api = await startApi({ ...byEmail, attempts: patient, encryptionKeys });
  await api.signUp(email);
  const user = await api.database.user.findFirstOrThrow();
  await api.database.session.deleteMany();
  return { api, user };
}

describe('session of a user', () => {
  it('is started by seven mutations, each with a proof', async () => {
    const { api, user } = await start();
    const starting = await startingMutations(api, { user }, [api.client]);
    const byMail = ['signInWithEmailCode', 'signInWithEmailLink'];
    const all = ['confirmAuthenticatorApp', 'confirmSignUp', 'login', 'resetPassword', ...byMail, 'signUp'];
    expect([...starting].sort()).toEqual(all);
    expect(api.reported).toEqual([]);
  });

  it('is started by the second factor alone where the user needs one. Others start those of new users', async () => {
    const { api, user: before } = await start();
    const data = { secondFactorSince: api.clock.now, emailVerifiedAt: api.clock.now };
    const user = await api.database.user.update({ where: { id: before.id }, data });
    const starting = await startingMutations(api, { user, hasApp: true }, [api.client]);
    expect([...starting].sort()).toEqual(['completeLogin', 'confirmSignUp', 'signUp']);
    expect(api.reported).toEqual([]);
  });

  it('is started by enrolment alone where all roles need a second factor that users do not have', async () => {
    const { api, user } = await start();
    api.config.secondFactor = { ...api.config.secondFactor, requiredRoles: 'all' };
    const starting = await startingMutations(api, { user }, [api.client]);
    expect([...starting].sort()).toEqual(['confirmAuthenticatorApp']);
    expect(api.reported).toEqual([]);
  });

  it('is started by no mutation for a user that completeSignIn refuses', async () => {
    const api = await startApi({ ...byEmail, attempts: patient, encryptionKeys });
    await api.signUp(email);
    const user = await api.database.user.update({ where: { email }, data: { suspendedAt: api.clock.now } });
    await api.database.session.deleteMany();
    const admin = await api.signUpAdmin('root@example.com');
    const ada = await api.signUp('ada@example.com', 'BEARER');
    await startingMutations(api, { user }, [api.client, () => ada, () => admin]);
    expect(api.reported).toEqual([]);
  });

  it('stores the authentication methods and the time of the proof', async () => {
    const api = await startApi();
    const ada = await api.signUp(email, 'BEARER');
    const live = () => api.database.session.findFirstOrThrow({ where: { hashedSessionToken: { not: null } } });
    const { userId } = await live();
    expect(await live()).toMatchObject({ authenticationMethods: 'password', authenticatedAt: api.clock.now });
    const [, token] = await linksFor(api, userId ?? 0n, 'x');
    const reset = `mutation ($token: String!, $newPassword: String!) {
      resetPassword(token: $token, newPassword: $newPassword, transport: BEARER) { ... on SignInPayload { token } }
    }`;
    ada.token = (await api.client().ask(reset, { token, newPassword: fresh })).resetPassword.token;
    expect(await live()).toMatchObject({ authenticationMethods: 'email', authenticatedAt: api.clock.now });
    api.clock.now = new Date(api.clock.now.getTime() + 60_000);
    await ada.act('reauthenticate', { password: fresh });
    expect(await live()).toMatchObject({ authenticationMethods: 'password email', authenticatedAt: api.clock.now });
  });
});
