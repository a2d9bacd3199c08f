/** The life of an account against a real server: SESSIONS_URL=http://127.0.0.1:4000/graphql node check.ts */
import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Secret, TOTP } from 'otpauth';
import { BearerAccount } from './src/client.ts';
import { devicesQuery, viewerQuery } from './src/operations.ts';
import { completeLogin, confirmApp, logIn, logOut, revoke, signUp, startApp } from './src/sessions.ts';
import { describeStep, type NewApp, type NextStep, type SecondFactor } from './src/steps.ts';
import { memoryStore } from './src/tokens.ts';

const url = process.env.SESSIONS_URL ?? 'http://127.0.0.1:4000/graphql';
const credentials = { email: `urql-${crypto.randomUUID()}@example.com`, password: 'correct horse battery staple' };

// Graphcache warns when it does not understand the schema.
console.warn = (message) => assert.fail(message);

const fromCache = { requestPolicy: 'cache-only' } as const;
const emailInCache = async ({ urql }: BearerAccount) => {
  const { data } = await urql.query(viewerQuery, {}, fromCache);
  return data?.viewer?.email;
};

const laptop = new BearerAccount(url, memoryStore());
const phone = new BearerAccount(url, memoryStore());

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

/** Takes an action. Answers to `Viewer` arrive after it, and its mutation is answered after all other queries. */
async function inOrder<Result>(act: () => Promise<Result>): Promise<Result> {
  const { fetch } = globalThis;
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  const texts: Promise<string>[] = [];
  globalThis.fetch = async (input, init) => {
    const answer = fetch(input, init);
    // Queries have the method GET.
    if (init?.method === 'POST') await Promise.all(texts).then(() => nextTurn());
    else if (String(input).includes('operationName=Viewer')) await ended;
    else texts.push(answer.then((response) => response.clone().text()));
    return answer;
  };
  const result = await act();
  end();
  await nextTurn();
  await Promise.all(texts).then(() => nextTurn());
  globalThis.fetch = fetch;
  return result;
}

// Sign up: the viewer is in the cache.
assert.equal(await signUp(laptop, credentials), null);
assert.equal(await emailInCache(laptop), credentials.email);

// Refusals are data, with a sentence for the user.
assert.equal(await signUp(phone, credentials), 'You have an account already. Log in.');
assert.equal(
  await logIn(phone, { ...credentials, password: 'not the password' }),
  'The email address or the password is wrong.',
);
assert.equal(await emailInCache(phone), undefined);

// A login makes a second device.
assert.equal(await logIn(phone, credentials), null);

// An outage is not the end of a session.
const ask = () => phone.urql.query(viewerQuery, {}, { requestPolicy: 'network-only' });
await duringOutage(async () => assert.ok((await ask()).error));
assert.equal((await ask()).data?.viewer?.email, credentials.email);

// Revoke the second device: it leaves the cached list by its id, without another request.
const listed = await laptop.urql.query(devicesQuery, {});
const other = listed.data?.viewer?.sessions?.find(({ isCurrent }) => !isCurrent);
assert.ok(other && listed.data?.viewer?.sessions?.length === 2);
assert.equal(await revoke(laptop, other.id), null);
const { data } = await laptop.urql.query(devicesQuery, {}, fromCache);
assert.deepEqual(
  data?.viewer?.sessions?.map(({ isCurrent }) => isCurrent),
  [true],
);
assert.equal(await revoke(laptop, 'unknown'), 'This device is signed out already.');

// On the revoked device, the next request finds nobody signed in. Its cache and its token are gone.
assert.equal(await emailInCache(phone), credentials.email);
const { urql } = phone;
const next = await phone.urql.query(viewerQuery, {}, { requestPolicy: 'network-only' });
assert.equal(next.data?.viewer, null);
assert.equal(phone.store.read().session, null);
assert.notEqual(phone.urql, urql);
assert.equal(await emailInCache(phone), undefined);

// Sign in again, and out.
assert.equal(await logIn(phone, credentials), null);
assert.equal(await emailInCache(phone), credentials.email);
await logOut(phone);
assert.equal(await emailInCache(phone), undefined);

// Another user signs up over a session, whose answers are still on their way. Nothing of the first user is left.
const nextUser = { ...credentials, email: `next-${credentials.email}` };
const show = () => laptop.urql.query(devicesQuery, {}).subscribe(() => {});
let shown = show();
laptop.onReset = () => {
  shown.unsubscribe();
  shown = show();
};
const [pending] = await inOrder(async () => {
  const pending = laptop.urql.query(viewerQuery, {}, { requestPolicy: 'network-only' }).toPromise();
  await signUp(laptop, nextUser);
  return [pending];
});
assert.equal((await pending).data?.viewer?.email, credentials.email);
assert.equal(await emailInCache(laptop), nextUser.email);
const { data: devices } = await laptop.urql.query(devicesQuery, {}, fromCache);
assert.equal(devices?.viewer?.email, nextUser.email);
shown.unsubscribe();

// Add an authenticator app: the session gets another token, and all others of the user end.
const wrongCode = 'This code is wrong, or it was used already. Type the next one.';
assert.equal(await logIn(phone, credentials), null);
const app = pendingStep(await startApp(phone, null), 'StartAuthenticatorAppPayload');
assert.match(app.qrCode, /^<svg/);
const { current, next: nextCode } = codesOf(app.secret);
assert.deepEqual(await confirmApp(phone, app, '12345'), { ...app, problem: wrongCode });
const recoveryCodes = await confirmApp(phone, app, current);
assert.ok(Array.isArray(recoveryCodes) && recoveryCodes.length === 10);
assert.equal((await ask()).data?.viewer?.email, credentials.email);

// From now on, a login has a second step. Each code works once, and a wrong one keeps the step.
await logOut(phone);
const step = pendingStep(await logIn(phone, credentials), 'SecondFactorRequired');
assert.equal(describeStep(step), 'Type the code of your authenticator app or a recovery code.');
assert.equal(phone.store.read().session, null);
const again = await completeLogin(phone, step, { code: current, trustDevice: false });
assert.deepEqual(again, { ...step, problem: wrongCode });
assert.equal(await completeLogin(phone, step, { code: nextCode, trustDevice: true }), null);
assert.equal(await emailInCache(phone), credentials.email);
const used = await completeLogin(phone, step, { code: nextCode, trustDevice: true });
assert.equal(used, 'This challenge was used already. Begin again.');

// This device asks for no code now. Another one does, and a recovery code is an answer too.
await logOut(phone);
assert.equal(await logIn(phone, credentials), null);
const tablet = new BearerAccount(url, memoryStore());
const tabletStep = pendingStep(await logIn(tablet, credentials), 'SecondFactorRequired');
const code = recoveryCodes[0]?.toLowerCase() ?? '';
assert.equal(await completeLogin(tablet, tabletStep, { code, trustDevice: false }), null);
assert.equal(await emailInCache(tablet), credentials.email);
// It was not trusted, so the next login asks again.
pendingStep(await logIn(tablet, credentials), 'SecondFactorRequired');
console.log('All steps passed.');
