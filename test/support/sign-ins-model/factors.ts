import { secretsOf } from '../email-sign-in.ts';
import { nextCode } from '../second-factor.ts';
import { type Action, emailOf, logIn, passwordOf, somebody } from './actions.ts';
import { mutations } from './mutations.ts';
import type { Actor, Person, SignInWorld } from './world.ts';

/** Proves the password and, with an app, a code in the session of the device. */
async function proveBoth(world: SignInWorld, actor: Actor, person: Person): Promise<void> {
  await world.send(actor, mutations.reauthenticate, { password: passwordOf(person) });
  if (person.app === null) return;
  const code = person.app.code();
  const result = await world.send(actor, mutations.proveFactor, { answer: { totpCode: code } });
  if (result?.__typename === 'ReauthenticatePayload') world.acceptedCodes.push({ code, of: person });
  nextCode(world.api);
}

/** The changes of factors by their users, and the ways in that do not begin with a password. */
export const actionsOnFactors: readonly Action[] = [
  {
    name: 'complete a login by a passkey',
    weight: 4,
    async run(world) {
      const person = somebody(world);
      const actor = world.actorOf(person);
      const result = await logIn(world, actor, person);
      if (!result?.passkeyOptions || person.authenticator.credentials.length === 0) return;
      const response = person.authenticator.get(result.passkeyOptions);
      const input = { challenge: result.challenge, answer: { passkey: { response } }, trustDevice: false };
      await world.send(actor, mutations.complete, input);
    },
  },
  {
    name: 'complete a login by a recovery code',
    weight: 3,
    async run(world) {
      const person = somebody(world);
      const recoveryCode = person.recoveryCodes[0];
      const actor = world.actorOf(person);
      const result = await logIn(world, actor, person);
      if (result?.__typename !== 'SecondFactorRequired' || recoveryCode === undefined) return;
      const input = { challenge: result.challenge, answer: { recoveryCode }, trustDevice: world.random.onceIn(3) };
      const { __typename } = (await world.send(actor, mutations.complete, input, person)) ?? {};
      person.recoveryCodes.shift();
      if (__typename === 'SignInPayload') world.usedRecoveryCodes.push({ code: recoveryCode, of: person });
    },
  },
  {
    name: 'sign in by email',
    weight: 4,
    async run(world) {
      const person = somebody(world);
      const actor = world.actorOf(person);
      const { transport } = actor.device;
      const requested = await world.send(actor, mutations.requestSignIn, { email: emailOf(person), transport });
      const mail = await world.findLink(person, ['sign-in']);
      if (!requested?.challenge || !mail) return;
      const { code, token } = secretsOf(mail);
      if (world.random.onceIn(2)) await world.send(actor, mutations.signInByLink, { token, transport }, person);
      else await world.send(actor, mutations.signInByCode, { challenge: requested.challenge, code }, person);
      await world.reread(person);
    },
  },
  {
    name: 'change the factors',
    weight: 5,
    async run(world) {
      const person = somebody(world);
      const actor = world.actorOf(person);
      await proveBoth(world, actor, person);
      const { data } = await actor.device.client.send('{ viewer { passkeys { id } } }');
      const passkeys: { id: string }[] = data?.viewer?.passkeys ?? [];
      const changes = [
        'removeAuthenticatorApp { __typename }',
        `requireSecondFactor(required: ${world.random.onceIn(2)}) {
          __typename ... on RequireSecondFactorPayload { recoveryCodes } }`,
        'createRecoveryCodes { __typename ... on CreateRecoveryCodesPayload { codes } }',
        ...passkeys.slice(0, 1).map(({ id }) => `deletePasskey(id: "${id}") { __typename }`),
      ];
      const result = await world.send(actor, `mutation { ${world.random.pick(changes)} }`, {}, person);
      const codes = result?.recoveryCodes ?? result?.codes;
      if (codes) person.recoveryCodes = [...codes];
      await world.reread(person);
    },
  },
  {
    name: 'require a second factor, of which a passkey is one',
    weight: 4,
    async run(world) {
      const person = somebody(world);
      const actor = world.actorOf(person);
      const started = await world.send(actor, mutations.startProof);
      if (!started?.options || person.authenticator.credentials.length === 0) return;
      const answer = { passkey: { response: person.authenticator.get(started.options) } };
      await world.send(actor, mutations.proveByPasskey, { challenge: started.challenge, answer });
      const result = await world.send(actor, mutations.requireSecondFactor, { required: !world.random.onceIn(4) });
      world.keepRecoveryCodes(actor, result);
    },
  },
  {
    name: 'undo a change of factors',
    weight: 3,
    async run(world) {
      const person = somebody(world);
      const link = await world.findLink(person, ['factors-changed', 'password-changed', 'factors-reset']);
      if (!link) return;
      const input = {
        token: link.token,
        password: world.random.onceIn(3) ? null : world.random.pick(person.passwords),
      };
      await world.send(world.actorOf(person), mutations.undo, input);
      await world.reread(person);
    },
  },
];
