/** The life of an account against a real server: SESSIONS_URL=http://127.0.0.1:4000/graphql node check.ts */
import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ApolloClient, HttpLink, InMemoryCache } from '@apollo/client';
import { Secret, TOTP } from 'otpauth';
import { createClient } from './src/client.ts';
import { devicesQuery, loginMutation, viewerQuery } from './src/operations.ts';
import { completeLogin, confirmApp, logIn, logOut, revoke, type SignIn, signUp, startApp } from './src/sessions.ts';
import { describeStep, type NewApp, type NextStep, type SecondFactor } from './src/steps.ts';
import { memoryStore } from './src/tokens.ts';

const url = process.env.SESSIONS_URL ?? 'http://127.0.0.1:4000/graphql';
const credentials = { email: `apollo-${crypto.randomUUID()}@example.com`, password: 'correct horse battery staple' };
const wrong = { ...credentials, password: 'not the password' };

/** Opens the application on a device. */
function openDevice() {
  const store = memoryStore();
  const client = createClient(url, store);
  const signIn: SignIn = {
    client,
    transport: 'BEARER',
    keep: ({ token, deviceToken }) => store.write({ session: token, device: deviceToken ?? store.read().device }),
  };
  return { client, store, signIn, emailInCache: () => client.readQuery({ query: viewerQuery })?.viewer?.email };
}

const laptop = openDevice();
const phone = openDevice();

/** Returns the code that an authenticator app shows, and the next one. The server takes each of them once. */
function codesOf(secret: string): { current: string; next: string } {
  const app = new TOTP({ secret: Secret.fromBase32(secret) });
  const now = Date.now();
  return { current: app.generate({ timestamp: now }), next: app.generate({ timestamp: now + 30_000 }) };
}

/** Returns the step of a sign-in that waits for a code. */
function pendingStep<Type extends (SecondFactor | NewApp)['__typename']>(next: NextStep, type: Type) {
  assert.ok(next !== null && typeof next === 'object' && next.__typename === type);
  return next as Extract<SecondFactor | NewApp, { __typename: Type }>;
}

/** Takes an action while the server has no database. */
async function duringOutage(act: () => Promise<unknown>): Promise<void> {
  const { fetch } = globalThis;
  const errors = [{ message: 'Try again.', path: ['viewer'], extensions: { code: 'SERVICE_UNAVAILABLE' } }];
  const init = { status: 503, headers: { 'content-type': 'application/graphql-response+json' } };
  globalThis.fetch = async () => new Response(JSON.stringify({ data: { viewer: null }, errors }), init);
  await act();
  globalThis.fetch = fetch;
}

/** Takes an action. Answers to queries that a session has sent before its end arrive after it. */
async function withLateAnswers(session: string | null, act: () => Promise<unknown>): Promise<void> {
  const { fetch } = globalThis;
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  globalThis.fetch = async (input, init) => {
    const response = await fetch(input, init);
    const isOfSession = new Headers(init?.headers).get('authorization') === `Bearer ${session}`;
    if (isOfSession && !String(init?.body).includes('mutation')) await ended;
    return response;
  };
  await act();
  end();
  globalThis.fetch = fetch;
}

// Sign up: the viewer is in the cache, and no token is.
assert.equal(await signUp(laptop.signIn, credentials), null);
assert.equal(laptop.emailInCache(), credentials.email);
assert.doesNotMatch(JSON.stringify(laptop.client.cache.extract()), /gqs_/);

// Refusals are data, with a sentence for the user.
assert.equal(await signUp(phone.signIn, credentials), 'You have an account already. Log in.');
assert.equal(await logIn(phone.signIn, wrong), 'The email address or the password is wrong.');
assert.equal(phone.emailInCache(), undefined);

// Without possibleTypes, the same refusal arrives without its code and its message.
const variables = { ...wrong, transport: 'BEARER' } as const;
const careless = new ApolloClient({ link: new HttpLink({ uri: url }), cache: new InMemoryCache() });
const lost = await careless.mutate({ mutation: loginMutation, variables });
assert.deepEqual(lost.data?.login, { __typename: 'InvalidCredentialsError' });
const kept = await phone.client.mutate({ mutation: loginMutation, variables });
assert.ok(kept.data?.login?.__typename === 'InvalidCredentialsError');
assert.equal(kept.data.login.code, 'INVALID_CREDENTIALS');

// A login makes a second device.
assert.equal(await logIn(phone.signIn, credentials), null);

// An outage is not the end of a session.
const ask = () => phone.client.query({ query: viewerQuery, fetchPolicy: 'network-only' });
await duringOutage(() => assert.rejects(ask()));
assert.equal(phone.emailInCache(), credentials.email);

// Revoke the second device: it leaves the cached list by its id.
const listed = await laptop.client.query({ query: devicesQuery });
const other = listed.data?.viewer?.sessions?.find(({ isCurrent }) => !isCurrent);
assert.ok(other && listed.data?.viewer?.sessions?.length === 2);
assert.equal(await revoke(laptop.client, other.id), null);
const devices = laptop.client.readQuery({ query: devicesQuery })?.viewer?.sessions;
assert.deepEqual(
  devices?.map(({ isCurrent }) => isCurrent),
  [true],
);
assert.equal(await revoke(laptop.client, 'unknown'), 'This device is signed out already.');

// On the revoked device, the next request finds nobody signed in. Its cache and its token are gone.
assert.equal(phone.emailInCache(), credentials.email);
const next = await phone.client.query({ query: viewerQuery, fetchPolicy: 'network-only' });
assert.equal(next.data?.viewer, null);
assert.equal(phone.store.read().session, null);
assert.doesNotMatch(JSON.stringify(phone.client.cache.extract()), /@example.com/);

// Sign in again, and out.
assert.equal(await logIn(phone.signIn, credentials), null);
assert.equal(phone.emailInCache(), credentials.email);
await logOut(phone.client, () => phone.store.write({ ...phone.store.read(), session: null }));
assert.equal(phone.emailInCache(), undefined);

// Another user signs up over a session, whose answers are still on their way. Nothing of the first user is left.
const nextUser = { ...credentials, email: `next-${credentials.email}` };
const shown: (string | undefined)[] = [];
const page = laptop.client.watchQuery({ query: devicesQuery }).subscribe(({ data, dataState }) => {
  if (dataState === 'complete') shown.push(data.viewer?.email);
});
const requests: Promise<unknown>[] = [];
// A reset of the store rejects what is on its way.
const show = () =>
  requests.push(laptop.client.query({ query: viewerQuery, fetchPolicy: 'network-only' }).catch(String));
await withLateAnswers(laptop.store.read().session, async () => {
  show();
  const signingUp = signUp(laptop.signIn, nextUser);
  // The sign-up is on its way.
  await nextTurn();
  show();
  await signingUp;
});
await Promise.all(requests);
assert.equal(laptop.emailInCache(), nextUser.email);
assert.deepEqual(shown, [credentials.email, nextUser.email]);
assert.ok(!JSON.stringify(laptop.client.cache.extract()).includes(`"${credentials.email}"`));
page.unsubscribe();

// Add an authenticator app: the session gets another token, and all others of the user end.
const wrongCode = 'This code is wrong, or it was used already. Type the next one.';
const logOutPhone = () => logOut(phone.client, () => phone.store.write({ ...phone.store.read(), session: null }));
assert.equal(await logIn(phone.signIn, credentials), null);
const app = pendingStep(await startApp(phone.signIn, null), 'StartAuthenticatorAppPayload');
assert.match(app.qrCode, /^<svg/);
const { current, next: nextCode } = codesOf(app.secret);
assert.deepEqual(await confirmApp(phone.signIn, app, '12345'), { ...app, problem: wrongCode });
const recoveryCodes = await confirmApp(phone.signIn, app, current);
assert.ok(Array.isArray(recoveryCodes) && recoveryCodes.length === 10);
assert.equal((await ask()).data?.viewer?.email, credentials.email);

// From now on, a login has a second step. Each code works once, and a wrong one keeps the step.
await logOutPhone();
const step = pendingStep(await logIn(phone.signIn, credentials), 'SecondFactorRequired');
assert.equal(describeStep(step), 'Type the code of your authenticator app or a recovery code.');
assert.equal(phone.store.read().session, null);
const again = await completeLogin(phone.signIn, step, { code: current, trustDevice: false });
assert.deepEqual(again, { ...step, problem: wrongCode });
assert.equal(await completeLogin(phone.signIn, step, { code: nextCode, trustDevice: true }), null);
assert.equal(phone.emailInCache(), credentials.email);
const used = await completeLogin(phone.signIn, step, { code: nextCode, trustDevice: true });
assert.equal(used, 'This challenge was used already. Begin again.');

// This device asks for no code now. Another one does, and a recovery code is an answer too.
await logOutPhone();
assert.equal(await logIn(phone.signIn, credentials), null);
const tablet = openDevice();
const tabletStep = pendingStep(await logIn(tablet.signIn, credentials), 'SecondFactorRequired');
const code = recoveryCodes[0]?.toLowerCase() ?? '';
assert.equal(await completeLogin(tablet.signIn, tabletStep, { code, trustDevice: false }), null);
assert.equal(tablet.emailInCache(), credentials.email);
// It was not trusted, so the next login asks again.
pendingStep(await logIn(tablet.signIn, credentials), 'SecondFactorRequired');
console.log('All steps passed.');
