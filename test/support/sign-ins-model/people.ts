import { nextCode } from '../second-factor.ts';
import {
  type Action,
  answer,
  emailOf,
  enrol,
  freshPassword,
  logIn,
  passwordOf,
  recent,
  signUpAgain,
  somebody,
} from './actions.ts';
import { endings, followed, mutations } from './mutations.ts';

/** The actions of the users and the administrator, who have their devices, apps and mailboxes. */
export const actionsOfPeople: readonly Action[] = [
  {
    name: 'sign in with every factor',
    weight: 12,
    async run(world) {
      const person = somebody(world);
      const actor = world.actorOf(person);
      const result = await logIn(world, actor, person);
      if (person.app && result?.__typename === 'SecondFactorRequired') {
        const code = person.app.code();
        const isAccepted = await answer(world, actor, result.challenge, code);
        if (isAccepted) world.acceptedCodes.push({ code, of: person });
        if (world.random.onceIn(2)) nextCode(world.api);
      } else if (result?.__typename === 'SecondFactorEnrolmentRequired') {
        person.app = (await enrol(world, actor, result.challenge)) ?? person.app;
      }
    },
  },
  {
    name: 'begin a sign-in',
    weight: 4,
    async run(world) {
      const person = somebody(world);
      await logIn(world, world.actorOf(person), person);
    },
  },
  {
    name: 'answer a challenge, perhaps of another account or device',
    weight: 6,
    async run(world) {
      const person = somebody(world);
      const challenge = recent(world, world.challenges);
      const code = world.random.onceIn(4) ? recent(world, world.acceptedCodes)?.code : person.app?.code();
      if (challenge && code) await answer(world, world.actorOf(person), challenge.secret, code);
    },
  },
  {
    name: 'add or replace an app',
    weight: 3,
    async run(world) {
      const person = somebody(world);
      const actor = world.actorOf(person);
      await world.send(actor, mutations.reauthenticate, { password: passwordOf(person) });
      const begun = world.challenges.findLast(({ of }) => of === person);
      const signIn = begun && world.random.onceIn(3) ? begun.secret : null;
      person.app = (await enrol(world, actor, signIn)) ?? person.app;
    },
  },
  {
    name: 'add a passkey',
    weight: 3,
    async run(world) {
      const person = somebody(world);
      const actor = world.actorOf(person);
      await world.send(actor, mutations.reauthenticate, { password: passwordOf(person) });
      const started = await world.send(actor, mutations.startPasskey, { transport: actor.device.transport });
      if (!started?.options) return;
      const response = person.authenticator.create(started.options);
      await world.send(actor, mutations.finishPasskey, { challenge: started.challenge, response });
    },
  },
  {
    name: 'sign in by a passkey',
    weight: 4,
    async run(world) {
      const person = somebody(world);
      const actor = world.actorOf(person);
      const { transport } = actor.device;
      const started = await world.send(actor, mutations.startPasskeyLogin, { transport });
      if (!started?.options || person.authenticator.credentials.length === 0) return;
      const response = person.authenticator.get(started.options);
      await world.send(actor, mutations.finishPasskeyLogin, { challenge: started.challenge, response });
    },
  },
  {
    name: 'change the password',
    weight: 3,
    async run(world) {
      const person = somebody(world);
      const newPassword = freshPassword();
      const input = { currentPassword: passwordOf(person), newPassword };
      const result = await world.send(world.actorOf(person), mutations.changePassword, input);
      if (result?.__typename === 'ChangePasswordPayload') person.passwords.push(newPassword);
    },
  },
  {
    name: 'reset the password',
    weight: 3,
    async run(world) {
      const person = somebody(world);
      const actor = world.actorOf(person);
      await world.send(actor, mutations.requestReset, { email: emailOf(person) });
      const link = await world.findLink(person, ['reset-password']);
      if (!link) return;
      const newPassword = freshPassword();
      const input = { token: link.token, newPassword, transport: actor.device.transport };
      const result = await world.send(actor, mutations.reset, input, person);
      if (result && !/Error$/.test(result.__typename)) person.passwords.push(newPassword);
    },
  },
  {
    name: 'request another address',
    weight: 2,
    async run(world) {
      const person = somebody(world);
      const newEmail = `${person.name}.${world.random.below(3)}@example.com`;
      person.emails.unshift(newEmail);
      const input = { newEmail, password: passwordOf(person) };
      await world.send(world.actorOf(person), mutations.requestEmail, input);
    },
  },
  {
    name: 'follow a mailed link',
    weight: 5,
    async run(world) {
      const person = somebody(world);
      const link = await world.findLink(person, Object.keys(followed));
      if (!link) return;
      await world.send(world.actorOf(person), followed[link.name] ?? '', { token: link.token });
      await world.reread(person);
    },
  },
  {
    name: 'end sessions',
    weight: 2,
    async run(world) {
      await world.send(world.actorOf(somebody(world)), world.random.pick(endings));
    },
  },
  {
    name: 'forget a device',
    weight: 1,
    async run(world) {
      const actor = world.actorOf(somebody(world));
      const { data } = await actor.device.client.send('{ viewer { trustedDevices { id } } }');
      const device = recent(world, (data?.viewer?.trustedDevices ?? []) as { id: string }[]);
      if (device) await world.send(actor, `mutation { forgetDevice(id: "${device.id}") { __typename } }`);
    },
  },
  {
    name: 'delete the account, and sign up again',
    weight: 1,
    async run(world) {
      const { bob } = world.people;
      const actor = world.actorOf(bob);
      const password = passwordOf(bob);
      const deleted = await world.send(actor, mutations.deleteAccount, { password });
      if (deleted?.__typename === 'DeleteUserPayload') await signUpAgain(world, bob);
    },
  },
  {
    name: 'wait',
    weight: 3,
    run: (world) => world.pass(world.random.pick([30, 60, 300, 660, 3_600, 86_400, 8 * 86_400, 31 * 86_400]) * 1_000),
  },
];
