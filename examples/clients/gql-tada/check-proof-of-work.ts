/** Logs in on a server that asks for a proof of work after the first failed attempt, with `CAPTCHA_AFTER=1`. */
import assert from 'node:assert/strict';
import { Client } from './src/client.ts';
import { readViewer } from './src/devices.ts';
import { login, signUp } from './src/sign-in.ts';

const url = process.env.SESSIONS_URL ?? 'http://127.0.0.1:4000/graphql';
const email = `worker-${crypto.randomUUID()}@example.com`;
const password = 'correct horse battery staple';

/** The refusals that the client has met. */
let refusals = 0;
const { fetch } = globalThis;
globalThis.fetch = async (input, init) => {
  const response = await fetch(input, init);
  if ((await response.clone().text()).includes('"ProofOfWorkRequiredError"')) refusals += 1;
  return response;
};

// The first attempt fails, and so does the second one, after the work.
const thief = new Client(url);
const wrong = 'wrong horse battery staple';
assert.match(String(await login(thief, email, wrong)), /password is wrong/);
assert.match(String(await login(thief, email, wrong)), /password is wrong/);
assert.equal(refusals, 1);

// Other users of the address have to work too, and notice nothing but the time.
const phone = new Client(url);
assert.equal(await signUp(phone, email, password), null);
assert.equal(await login(new Client(url), email, password), null);
assert.equal(refusals, 3);
assert.equal((await readViewer(phone))?.email, email);
console.log('All steps passed.');
