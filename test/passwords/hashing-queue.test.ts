import { afterEach, describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { WrongPasswordError } from '../../src/errors.ts';
import { type Trust, withHashingSlot } from '../../src/passwords/hashing-queue.ts';

const policy = { ...readConfig({}).passwords, queueLength: 12 };

/** The checks that began, in order, with the function that ends each. */
const begun: string[] = [];
const ends = new Map<string, () => void>();
const asked: Promise<unknown>[] = [];

/** Asks for a slot, and holds it until it is ended. */
function ask(name: string, trust: Trust | null = null): Promise<void> {
  const act = () =>
    new Promise<void>((resolve) => {
      begun.push(name);
      ends.set(name, resolve);
    });
  const place = withHashingSlot(policy, act, trust);
  // A refusal is for who waits for it.
  asked.push(place.catch(() => {}));
  return place;
}

/** Waits until all work without external input is done. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

async function end(name: string | undefined): Promise<void> {
  ends.get(name ?? '')?.();
  ends.delete(name ?? '');
  await settled();
}

/** Takes all slots, and returns their number. */
async function takePlaces(): Promise<number> {
  for (let n = 0; ; n += 1) {
    void ask(`first ${n}`);
    await settled();
    // The last one waits: it is a stranger who came first.
    if (begun.length === n) return n;
  }
}

function trusted(account: string): Trust {
  return { account, isTrusted: true };
}

/** Ends one check after the other, and returns the names of the later ones in the order of their beginning. */
async function endAll(places: number): Promise<string[]> {
  for (let n = 0; n < begun.length; n += 1) await end(begun[n]);
  return begun.slice(places);
}

afterEach(async () => {
  await endAll(0);
  await Promise.all(asked.splice(0));
  begun.length = 0;
});

describe('hashing slot', () => {
  it('goes to trusted devices first, and every fourth one to the others', async () => {
    const places = await takePlaces();
    for (let n = 0; n < 4; n += 1) void ask(`stranger ${n}`);
    for (let n = 0; n < 10; n += 1) void ask(`trusted ${n}`, trusted(`user${n}`));
    await settled();
    const order = (await endAll(places)).map((name) => (name.startsWith('trusted') ? 't' : 's')).join('');
    expect(order).toBe('tttstttstttstss');
    expect(begun.filter((name) => name.startsWith('trusted'))).toEqual(
      Array.from({ length: 10 }, (_, n) => `trusted ${n}`),
    );
  });

  it('has a queue for trusted devices of the same size as for others, whose queue may be full', async () => {
    await takePlaces();
    for (let n = 1; n < policy.queueLength; n += 1) void ask(`stranger ${n}`);
    await settled();
    await expect(ask('one stranger more')).rejects.toMatchObject({ code: 'SERVER_OVERLOADED' });
    for (let n = 0; n < policy.queueLength; n += 1) void ask(`trusted ${n}`, trusted(`user${n}`));
    await settled();
    await expect(ask('one more', trusted('another user'))).rejects.toMatchObject({ code: 'SERVER_OVERLOADED' });
  });

  it('is shared with the others from the sixth request of one account on', async () => {
    const places = await takePlaces();
    for (let n = 0; n < 8; n += 1) void ask(`again and again ${n}`, trusted('mallory'));
    void ask('ada', trusted('ada'));
    await settled();
    const order = await endAll(places);
    // Five of Mallory's and one of a stranger precede Ada's, for any number of requests of Mallory.
    expect(order.indexOf('ada')).toBe(6);
    expect(order.indexOf('again and again 5')).toBeGreaterThan(6);
  });

  it('is taken without a look-up if it is free', async () => {
    let lookUps = 0;
    const isTrusted = async () => {
      lookUps += 1;
      return true;
    };
    void ask('ada', { account: 'ada', isTrusted });
    await settled();
    expect(begun).toEqual(['ada']);
    expect(lookUps).toBe(0);
  });

  it('looks up a few devices concurrently: the rest wait as strangers, as do unknown devices', async () => {
    const places = await takePlaces();
    const answers: ((isTrusted: boolean) => void)[] = [];
    const isTrusted = () => new Promise<boolean>((resolve) => void answers.push(resolve));
    for (let n = 0; n < 8; n += 1) void ask(`device ${n}`, { account: `user${n}`, isTrusted });
    await settled();
    expect(answers).toHaveLength(4);
    for (const [n, answer] of answers.entries()) answer(n < 2);
    await settled();
    expect((await endAll(places)).map((name) => name.split(' ')[1])).toEqual(
      // The stranger who came first, and those who were not looked up, go before those who turned out to be none.
      ['0', '1', String(places), '4', '5', '6', '7', '2', '3'],
    );
  });

  it('is free while a wrong password waits for its answer', async () => {
    const places = await takePlaces();
    const [freed = ''] = begun;
    const began = performance.now();
    let answered = false;
    const wrong = withHashingSlot(policy, async () => {
      begun.push('wrong');
      throw new WrongPasswordError(300);
    }).finally(() => {
      answered = true;
    });
    const refused = expect(wrong).rejects.toThrow(WrongPasswordError);
    void ask('next');
    // One place for the stranger who came first, who passes it on to these two.
    await end(freed);
    await end(begun[places]);
    expect(begun.slice(places + 1)).toEqual(['wrong', 'next']);
    expect(answered).toBe(false);
    await refused;
    expect(performance.now() - began).toBeGreaterThan(290);
  });

  it('is not lost by a failed look-up', async () => {
    const places = await takePlaces();
    const failing = { account: 'ada', isTrusted: () => Promise.reject(new Error('no database')) };
    await expect(ask('ada', failing)).rejects.toThrow('no database');
    expect(await endAll(places)).toHaveLength(1);
    begun.length = 0;
    expect(await takePlaces()).toBe(places);
  });
});
