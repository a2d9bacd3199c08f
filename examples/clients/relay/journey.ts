import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Secret, TOTP } from 'otpauth';
import { fetchQuery } from 'relay-runtime';
import type { queriesDevicesQuery } from './src/__generated__/queriesDevicesQuery.graphql.ts';
import type { queriesViewerQuery } from './src/__generated__/queriesViewerQuery.graphql.ts';
import { Account } from './src/account.ts';
import { devicesQuery, viewerQuery } from './src/queries.ts';
import { completeLogin, confirmApp, logIn, logOut, revoke, signUp, startApp } from './src/sessions.ts';
import { describeStep, type NewApp, type NextStep, type SecondFactor } from './src/steps.ts';
import { readStore, retain } from './src/store.ts';
import { memoryStore } from './src/tokens.ts';

const url = process.env.SESSIONS_URL ?? 'http://127.0.0.1:4000/graphql';
const credentials = { email: `relay-${crypto.randomUUID()}@example.com`, password: 'correct horse battery staple' };

const laptop = new Account(url, memoryStore());
const phone = new Account(url, memoryStore());
const emailInStore = ({ relay }: Account) => readStore<queriesViewerQuery>(relay, viewerQuery).viewer?.email;

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

// Sign up: the viewer is in the store.
assert.equal(await signUp(laptop, credentials), null);
assert.equal(emailInStore(laptop), credentials.email);

// Refusals are data, with a sentence for the user.
assert.equal(await signUp(phone, credentials), 'You have an account already. Log in.');
assert.equal(
  await logIn(phone, { ...credentials, password: 'not the password' }),
  'The email address or the password is wrong.',
);
assert.equal(emailInStore(phone), undefined);

// A login makes a second device.
assert.equal(await logIn(phone, credentials), null);

// An outage is not the end of a session.
const ask = () => fetchQuery<queriesViewerQuery>(phone.relay, viewerQuery, {}).toPromise();
await duringOutage(() => assert.rejects(ask(), { message: 'Try again.' }));
assert.equal(emailInStore(phone), credentials.email);

// Revoke the second device: it leaves the list in the store by its id.
retain(laptop.relay, devicesQuery);
const listed = await fetchQuery<queriesDevicesQuery>(laptop.relay, devicesQuery, {}).toPromise();
const edges = listed?.viewer?.sessionsConnection?.edges;
const other = edges?.find(({ node }) => !node.isCurrent);
assert.ok(other && edges?.length === 2);
assert.equal(await revoke(laptop, other.node.id), null);
const { viewer } = readStore<queriesDevicesQuery>(laptop.relay, devicesQuery);
assert.deepEqual(
  viewer?.sessionsConnection?.edges.map(({ node }) => node.isCurrent),
  [true],
);
assert.equal(await revoke(laptop, 'unknown'), 'This device is signed out already.');

// On the revoked device, the next request finds nobody signed in. Its store and its token are gone.
assert.equal(emailInStore(phone), credentials.email);
const { relay } = phone;
const next = await fetchQuery<queriesViewerQuery>(relay, viewerQuery, {}).toPromise();
assert.equal(next?.viewer, null);
assert.equal(phone.store.read().session, null);
assert.notEqual(phone.relay, relay);
assert.equal(emailInStore(phone), undefined);
await assert.rejects(revoke(phone, other.node.id), { message: 'You are not signed in. Log in first.' });

// Sign in again, and out.
assert.equal(await logIn(phone, credentials), null);
assert.equal(emailInStore(phone), credentials.email);
await logOut(phone);
assert.equal(emailInStore(phone), undefined);

// Another user signs up over a session, whose answers are still on their way. Nothing of the first user is left.
const nextUser = { ...credentials, email: `next-${credentials.email}` };
const requests: Promise<unknown>[] = [];
const show = () => requests.push(fetchQuery<queriesViewerQuery>(laptop.relay, viewerQuery, {}).toPromise());
laptop.onReset = show;
await withLateAnswers(laptop.store.read().session, async () => {
  show();
  const signingUp = signUp(laptop, nextUser);
  // The sign-up is on its way.
  await nextTurn();
  show();
  await signingUp;
});
await Promise.all(requests);
assert.equal(requests.length, 3);
assert.equal(emailInStore(laptop), nextUser.email);
assert.ok(!JSON.stringify(laptop.relay.getStore().getSource()).includes(`"${credentials.email}"`));

// Add an authenticator app: the session gets another token, and all others of the user end.
const wrongCode = 'This code is wrong, or it was used already. Type the next one.';
assert.equal(await logIn(phone, credentials), null);
const app = pendingStep(await startApp(phone, null), 'StartAuthenticatorAppPayload');
assert.match(app.qrCode, /^<svg/);
const { current, next: nextCode } = codesOf(app.secret);
assert.deepEqual(await confirmApp(phone, app, '12345'), { ...app, problem: wrongCode });
const recoveryCodes = await confirmApp(phone, app, current);
assert.ok(Array.isArray(recoveryCodes) && recoveryCodes.length === 10);
assert.equal((await ask())?.viewer?.email, credentials.email);

// From now on, a login has a second step. Each code works once, and a wrong one keeps the step.
await logOut(phone);
const step = pendingStep(await logIn(phone, credentials), 'SecondFactorRequired');
assert.equal(describeStep(step), 'Type the code of your authenticator app or a recovery code.');
assert.equal(phone.store.read().session, null);
const again = await completeLogin(phone, step, { code: current, trustDevice: false });
assert.deepEqual(again, { ...step, problem: wrongCode });
assert.equal(await completeLogin(phone, step, { code: nextCode, trustDevice: true }), null);
assert.equal(emailInStore(phone), credentials.email);
const used = await completeLogin(phone, step, { code: nextCode, trustDevice: true });
assert.equal(used, 'This challenge was used already. Begin again.');

// This device asks for no code now. Another one does, and a recovery code is an answer too.
await logOut(phone);
assert.equal(await logIn(phone, credentials), null);
const tablet = new Account(url, memoryStore());
const tabletStep = pendingStep(await logIn(tablet, credentials), 'SecondFactorRequired');
const code = recoveryCodes[0]?.toLowerCase() ?? '';
assert.equal(await completeLogin(tablet, tabletStep, { code, trustDevice: false }), null);
assert.equal(emailInStore(tablet), credentials.email);
// It was not trusted, so the next login asks again.
pendingStep(await logIn(tablet, credentials), 'SecondFactorRequired');
console.log('All steps passed.');
