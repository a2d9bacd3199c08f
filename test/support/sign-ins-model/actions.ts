import { randomBytes } from 'node:crypto';
import type { Data } from '../api.ts';
import { App, nextCode } from '../second-factor.ts';
import { mutations } from './mutations.ts';
import type { Actor, Person, SignInWorld } from './world.ts';

/** An act of a person, the administrator or the thief: one mutation or a few. */
export type Action = {
  name: string;
  /** The frequency of the action, compared to the others. */
  weight: number;
  run(world: SignInWorld): Promise<unknown>;
};

/** Picks an action by the weights. */
export function pickAction({ random }: SignInWorld, actions: readonly Action[]): Action {
  return random.pick(actions.flatMap((action) => Array<Action>(action.weight).fill(action)));
}

export const somebody = ({ people, random }: SignInWorld): Person => random.pick(Object.values(people));

/** Picks one of the last three. Undefined if there are none. */
export function recent<T>({ random }: SignInWorld, list: readonly T[]): T | undefined {
  return list.length === 0 ? undefined : random.pick(list.slice(-3));
}

export const passwordOf = ({ passwords }: Person): string => passwords.at(-1) ?? '';
export const emailOf = ({ emails }: Person): string => emails.at(-1) ?? '';
export const freshPassword = (): string => `correct horse ${randomBytes(9).toString('base64url')}`;

/** Logs in as a person, mostly with the current address and password. */
export function logIn(world: SignInWorld, actor: Actor, person: Person): Promise<Data> {
  const { random } = world;
  const input = {
    email: random.onceIn(8) ? recent(world, person.emails) : emailOf(person),
    password: random.onceIn(8) ? recent(world, person.passwords) : passwordOf(person),
    transport: actor.device.transport,
    remember: random.onceIn(2),
  };
  return world.send(actor, mutations.login, input, person);
}

/** Answers the challenge of a sign-in by a code, and returns whether that started a session. */
export async function answer(world: SignInWorld, actor: Actor, challenge: string, code: string): Promise<boolean> {
  const input = { challenge, answer: { totpCode: code }, trustDevice: world.random.onceIn(3) };
  const result = await world.send(actor, mutations.complete, input);
  return result?.__typename === 'SignInPayload';
}

/** Adds an app in the session of the device or, with the secret of a sign-in, as a part of it. Null if it is refused. */
export async function enrol(world: SignInWorld, actor: Actor, signIn: string | null): Promise<App | null> {
  const { transport } = actor.device;
  const started = await world.send(actor, mutations.startApp, { signIn, transport });
  if (!started?.secret) return null;
  const app = new App(started.secret, world.api);
  const code = app.code();
  const input = { challenge: started.challenge, code, signIn };
  const confirmed = await world.send(actor, mutations.confirmApp, input);
  nextCode(world.api);
  world.keepRecoveryCodes(actor, confirmed);
  return confirmed?.__typename === 'FactorPayload' ? app : null;
}

/** Signs a person up whose account was deleted. */
export async function signUpAgain(world: SignInWorld, person: Person): Promise<void> {
  person.app = null;
  const actor = world.actorOf(person);
  const email = emailOf(person);
  const input = { email, password: passwordOf(person), transport: actor.device.transport };
  await world.send(actor, mutations.signUp, input, person);
  await world.reread(person, email);
}
