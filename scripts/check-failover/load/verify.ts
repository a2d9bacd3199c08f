/** The checks after the last fault, by requests: ended sessions are refused, and passwords are those acknowledged. */
import type { Data } from '../../../test/support/api.ts';
import { send } from '../../../test/support/load.ts';
import type { Ledger } from './ledger.ts';

const concurrency = 6;

/** Compares the ledger with the answers of the servers, as `compare` does with the rows. No client writes any more. */
export async function verify({ sessions, users }: Ledger, addresses: string[]): Promise<string[]> {
  const lost: string[] = [];
  await each([...sessions.values()], async ({ handle, token, end }, node) => {
    if (end === 'asked') return;
    const { currentSession } = await ask(addresses[node], '{ currentSession { handle } }', token);
    const isLive = currentSession !== null;
    if (end === 'acknowledged' && isLive) lost.push(`The session ${handle} is accepted again.`);
    if (end === 'none' && !isLive) lost.push(`The session ${handle} is refused.`);
  });
  await each([...users.values()], async ({ email, password, oldPassword, askedPassword }, node) => {
    const isRight = async (tried: string | null) => {
      if (tried === null) return false;
      const query = `mutation { login(email: "${email}", password: "${tried}", transport: BEARER) { __typename } }`;
      const { login } = await ask(addresses[node], query);
      return login.__typename === 'SignInPayload';
    };
    if (!(await isRight(password)) && !(await isRight(askedPassword))) lost.push(`The password of ${email} is lost.`);
    if (await isRight(oldPassword)) lost.push(`The old password of ${email} is accepted.`);
  });
  return lost;
}

/** Returns the data of an answer. Repeats a request that was not answered. */
async function ask(address: string | undefined, query: string, token?: string): Promise<Data> {
  for (;;) {
    const { body } = await send(address ?? '', query, token);
    if (body?.data) return body.data;
  }
}

async function each<T>(items: T[], act: (item: T, node: number) => Promise<void>): Promise<void> {
  let next = 0;
  const work = async (node: number) => {
    for (let item = items[next]; item !== undefined; item = items[next]) {
      next += 1;
      await act(item, node % 3);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, (_, index) => work(index)));
}
