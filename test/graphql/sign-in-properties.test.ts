/** @module-tag repeated */
import { describe, expect, inject, it } from 'vitest';
import { startApi } from '../support/api.ts';
import { rootFields } from '../support/generated-operations.ts';
import { randomFrom } from '../support/random.ts';
import { encryptionKeys } from '../support/second-factor.ts';
import { pickAction } from '../support/sign-ins-model/actions.ts';
import { actionsOfAdministrator } from '../support/sign-ins-model/administrator.ts';
import { actionsOfAnybody } from '../support/sign-ins-model/any-mutation.ts';
import { actionsOnFactors } from '../support/sign-ins-model/factors.ts';
import { actionsOfPeople } from '../support/sign-ins-model/people.ts';
import { actionsOfThief } from '../support/sign-ins-model/thief.ts';
import { SignInWorld } from '../support/sign-ins-model/world.ts';

const actions = [
  ...actionsOfPeople,
  ...actionsOnFactors,
  ...actionsOfAdministrator,
  ...actionsOfThief,
  ...actionsOfAnybody,
];
const unlimited = 1_000_000;

/** Settings without rate limits, which would end most sequences early. Other tests are about them. */
const settings = {
  encryptionKeys,
  secondFactor: { requiredRoles: new Set(['admin']) },
  emailSignIn: { createsAccounts: false },
  attempts: { perAccount: unlimited, perAddress: unlimited, signUpsPerAddress: unlimited },
};

describe('sessions, over random sequences of the mutations of two users, an administrator and a thief', () => {
  const { sequences, steps } = inject('isShort') ? { sequences: 1, steps: 60 } : { sequences: 4, steps: 250 };

  it('are accepted only with the proofs that their accounts need, and never a thief without the second factor', async () => {
    const counts = new Map<string, number>();
    let usedRecoveryCodes = 0;
    for (let seed = 1; seed <= sequences; seed += 1) {
      const api = await startApi(settings);
      const world = await SignInWorld.create(api, randomFrom(seed));
      for (let step = 1; step <= steps; step += 1) {
        const action = pickAction(world, actions);
        await action.run(world);
        await world.check(`seed ${seed}, step ${step}, ${action.name}`);
      }
      expect(api.reported).toEqual([]);
      usedRecoveryCodes += world.usedRecoveryCodes.length;
      for (const [key, count] of world.results) counts.set(key, (counts.get(key) ?? 0) + count);
    }
    const count = (pattern: RegExp) =>
      [...counts].filter(([key]) => pattern.test(key)).reduce((sum, [, each]) => sum + each, 0);
    // Without these, the sequences would prove nothing.
    expect(count(/^(ada|bob|admin) completeLogin SignInPayload/)).toBeGreaterThan(0);
    expect(count(/^thief login SecondFactorRequired/)).toBeGreaterThan(0);
    expect(count(/^thief completeLogin/)).toBeGreaterThan(0);
    expect(count(/^thief (completeLogin|confirmAuthenticatorApp) (SignIn|Factor)Payload/)).toBe(0);
    if (!inject('isShort')) {
      expect(usedRecoveryCodes).toBeGreaterThan(0);
      expect(count(/requireSecondFactor RequireSecondFactorPayload/)).toBeGreaterThan(0);
    }
    const sent = new Set([...counts.keys()].map((key) => key.split(' ')[1]));
    const mutations = rootFields().flatMap(({ operation, field }) => (operation === 'mutation' ? [field.name] : []));
    if (!inject('isShort')) expect(mutations.filter((name) => !sent.has(name))).toEqual([]);
  });
});
