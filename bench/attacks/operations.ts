/**
 * Measures the processor time of the most expensive operations that a default server accepts, for anonymous clients,
 * for visitors with an anonymous session full of data, and for users: every root field, as often as it is accepted in
 * one operation. `node bench/attacks/operations.ts`
 */
import { request } from 'node:http';
import { isRequiredArgument } from 'graphql';
import { argumentsOf, rootFields, selectionOf } from '../../test/support/generated-operations.ts';
import type { Random } from '../../test/support/random.ts';
import { cpuMs } from '../processes.ts';
import { startDefaultServer } from './default-server.ts';

const rounds = Number(process.argv[2] ?? 9);

/** The number of operations per measurement: Linux counts in steps of ten milliseconds. */
const atOnce = 5;

/** Chooses the first option, and selects every field. */
const everything: Random = {
  below: () => 0,
  pick: <T>(choices: readonly T[]) => choices[0] as T,
  onceIn: (n) => n === 2,
};

// The load comes from one address. The limits per address are not to be measured.
const server = await startDefaultServer([], {
  LOGIN_ATTEMPTS_PER_ADDRESS: '1000000',
  CAPTCHA_AFTER: '1000000',
  SIGN_UPS_PER_ADDRESS: '1000000',
  ANONYMOUS_SESSIONS_PER_ADDRESS: '1000000',
});

async function send(query: string, variables: object, token: string | null) {
  const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) };
  const text = await post(JSON.stringify({ query, variables }), headers);
  const isRefused = !text.includes('"data"');
  return { isRefused, text };
}

/** Sends a request on a connection of its own. */
function post(body: string, headers: Record<string, string>): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port: server.port, path: '/graphql', method: 'POST', headers, agent: false };
    const sent = request(options, async (response) => resolve((await response.toArray()).join('')));
    sent.on('error', reject);
    sent.end(body);
  });
}

/** Returns the maximum number of repetitions that is accepted. */
async function maxAccepted(operationOf: (times: number) => string, token: string | null): Promise<number> {
  let [accepted, refused] = [0, 700];
  while (refused - accepted > 1) {
    const times = Math.floor((accepted + refused) / 2);
    const { isRefused } = await send(operationOf(times), {}, token);
    if (isRefused) refused = times;
    else accepted = times;
  }
  return accepted;
}

async function newUser(n: number): Promise<string> {
  const { text } = await send(
    `mutation { signUp(email: "user${n}@example.com", password: "correct horse battery staple", transport: BEARER) {
      ... on SignInPayload { token } } }`,
    {},
    null,
  );
  return JSON.parse(text).data.signUp.token;
}

/** Starts an anonymous session with 16 KB of data, from which a parser makes 5,300 arrays. */
async function newVisitor(): Promise<string> {
  const { text } = await send(
    'mutation ($data: JSON!) { setPublicData(data: $data, transport: BEARER) { ... on SessionDataPayload { token } } }',
    { data: { a: Array.from({ length: 5_300 }, () => []) } },
    null,
  );
  return JSON.parse(text).data.setPublicData.token;
}

type Row = { who: string; what: string; times: number; ms: number };
const rows: Row[] = [];
/** Operations that are refused even once. */
const skipped: string[] = [];

let users = 0;

async function measure(who: string, what: string, operationOf: (times: number) => string): Promise<void> {
  const tokenOf = async () => {
    users += 1;
    if (who === 'visitor') return newVisitor();
    return who === 'user' ? newUser(users) : null;
  };
  const times = await maxAccepted(operationOf, await tokenOf());
  if (times === 0) {
    skipped.push(`${what} (${who})`);
    return;
  }
  const all: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const tokens: (string | null)[] = [];
    for (let n = 0; n < atOnce; n += 1) tokens.push(await tokenOf());
    const began = cpuMs(server.pid);
    for (const token of tokens) await send(operationOf(times), {}, token);
    all.push((cpuMs(server.pid) - began) / atOnce);
  }
  all.sort((one, other) => one - other);
  rows.push({ who, what, times, ms: all[Math.floor(all.length / 2)] ?? 0 });
}

try {
  for (const { operation, field } of rootFields()) {
    for (const depth of [0, 2]) {
      const given = argumentsOf(field.args.filter(isRequiredArgument), everything);
      const text = `${field.name}${given}${selectionOf(field.type, depth, everything)}`;
      const operationOf = (times: number) =>
        `${operation} { ${Array.from({ length: times }, (_, n) => `a${n}: ${text}`).join(' ')} }`;
      for (const who of ['anonymous', 'user']) await measure(who, `${field.name}, to depth ${depth}`, operationOf);
    }
  }
  const ids = Array.from({ length: 100 }, (_, n) => `"${btoa(`Session:${n}`)}"`).join(' ');
  const nodes = (times: number) =>
    `query ($ids: [ID!]! = [${ids}]) { ${Array.from({ length: times }, (_, n) => `a${n}: nodes(ids: $ids) { id }`).join(' ')} }`;
  for (const who of ['anonymous', 'user']) await measure(who, 'nodes of 100 ids', nodes);
  const data = (times: number) =>
    `{ currentSession { ${Array.from({ length: times }, (_, n) => `a${n}: publicData`).join(' ')} } }`;
  await measure('visitor', 'publicData of currentSession', data);
  rows.sort((one, other) => other.ms - one.ms);
  for (const who of ['anonymous', 'visitor', 'user']) {
    console.log(`\n| ${who} | times in one operation | ms of processor time, median of ${rounds} |\n|---|--:|--:|`);
    for (const row of rows.filter((one) => one.who === who).slice(0, 12)) {
      console.log(`| ${row.what} | ${row.times} | ${row.ms} |`);
    }
  }
  console.log(`\nNever accepted: ${skipped.join(', ') || 'none'}`);
} finally {
  await server.stop();
}
