import { type Action, answer, emailOf, enrol, freshPassword, logIn, passwordOf, recent, somebody } from './actions.ts';
import { mutations } from './mutations.ts';
import type { Actor, Person, SignInWorld } from './world.ts';

const thiefOf = ({ thief, random }: SignInWorld): Actor => ({ name: 'thief', device: random.pick(thief) });

/** Returns a code that a thief can have: that of another account, or a guess. */
function codeFor(world: SignInWorld, of: Person | null): string {
  const others = Object.values(world.people).filter((person) => person !== of && of !== null);
  const code = world.random.pick([...others.flatMap(({ app }) => app?.code() ?? []), '000000']);
  // It may be right once in a million times: that is no finding.
  return [-1, 0, 1].some((step) => of?.app?.code(step) === code) ? '' : code;
}

/** The actions of the thief. */
export const actionsOfThief: readonly Action[] = [
  {
    name: 'log in with the password of another person',
    weight: 6,
    async run(world) {
      await logIn(world, thiefOf(world), somebody(world));
    },
  },
  {
    name: 'answer a challenge without the factor',
    weight: 8,
    async run(world) {
      // Mostly one that the thief's own devices have begun: those of other devices are refused before the code counts.
      const own = world.challenges.filter(({ by }) => by === 'thief');
      const challenge = recent(world, world.random.onceIn(4) ? world.challenges : own);
      if (challenge) await answer(world, thiefOf(world), challenge.secret, codeFor(world, challenge.of));
    },
  },
  {
    name: 'repeat a code that was accepted',
    weight: 5,
    async run(world) {
      const accepted = world.acceptedCodes.at(-1);
      if (!accepted) return;
      const actor = thiefOf(world);
      const result = await logIn(world, actor, accepted.of);
      if (result?.challenge) await answer(world, actor, result.challenge, accepted.code);
    },
  },
  {
    name: 'repeat a recovery code that was accepted',
    weight: 5,
    async run(world) {
      const used = world.usedRecoveryCodes.at(-1);
      if (!used) return;
      const actor = thiefOf(world);
      const { challenge } = (await logIn(world, actor, used.of)) ?? {};
      const input = { challenge, answer: { recoveryCode: used.code }, trustDevice: false };
      if (challenge) await world.send(actor, mutations.complete, input);
    },
  },
  {
    name: 'add an app to an account that has one',
    weight: 4,
    async run(world) {
      // The password alone is enough for an account without a factor, so the thief leaves these alone.
      for (const person of Object.values(world.people)) await world.reread(person);
      const begun = world.challenges.filter(({ of }) => of !== null && of.app !== null).at(-1);
      if (begun) await enrol(world, thiefOf(world), begun.secret);
    },
  },
  {
    name: 'use the password without a session',
    weight: 3,
    async run(world) {
      const actor = thiefOf(world);
      await world.send(actor, 'mutation { logout { __typename } }');
      const password = passwordOf(world.people.ada);
      const newPassword = freshPassword();
      await world.send(actor, mutations.requestReset, { email: emailOf(world.people.ada) });
      await world.send(actor, mutations.reauthenticate, { password });
      await world.send(actor, mutations.changePassword, { currentPassword: password, newPassword });
      await world.send(actor, mutations.requestEmail, { newEmail: 'thief@example.net', password });
      await enrol(world, actor, null);
    },
  },
  {
    name: 'sign up with the address of another person',
    weight: 1,
    async run(world) {
      const actor = thiefOf(world);
      const input = { email: emailOf(world.people.ada), password: passwordOf(world.people.ada) };
      await world.send(actor, mutations.signUp, { ...input, transport: actor.device.transport });
    },
  },
];
