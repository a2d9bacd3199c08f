import { type GraphQLOutputType, getNamedType, isNonNullType, isObjectType, isUnionType } from 'graphql';
import { toNodeId } from '../../../src/graphql/node-id.ts';
import { literalOf, rootFields } from '../generated-operations.ts';
import { type Action, emailOf, passwordOf, recent, somebody } from './actions.ts';
import { followed } from './mutations.ts';
import type { Actor, Person, SignInWorld } from './world.ts';

/** Mutations that delete an account. The model has actions for them, after which the person signs up again. */
const deletions = ['deleteAccount', 'deleteUser'];

const fields = rootFields().flatMap(({ operation, field }) =>
  operation === 'mutation' && !deletions.includes(field.name) ? [field] : [],
);

/** The fields of results that the model reads. */
const read = ['token', 'antiCSRFToken', 'deviceToken', 'challenge', 'recoveryCodes'];

/** Returns the selection of the fields of a result that the model reads. */
function selectionOf(type: GraphQLOutputType): string {
  const named = getNamedType(type);
  const types = isUnionType(named) ? named.getTypes() : isObjectType(named) ? [named] : [];
  const parts = types.flatMap((possible) => {
    const names = read.filter((name) => name in possible.getFields());
    return names.length === 0 ? [] : [`... on ${possible.name} { ${names.join(' ')} }`];
  });
  return `{ __typename ${parts.join(' ')} }`;
}

/** The secrets that an actor has, beside the passwords and the challenges, which everybody has. */
type Secrets = { codes: string[]; recoveryCodes: string[]; tokens: string[] };

/** Sends any mutation, with arguments that may be right for it. */
async function sendAny(world: SignInWorld, actor: Actor, { codes, recoveryCodes, tokens }: Secrets): Promise<void> {
  const { random, people } = world;
  // Mostly one that nobody has sent yet, so that a sequence comes to all of them.
  const unsent = fields.filter(({ name }) => !world.sent.has(name));
  const field = random.pick(unsent.length === 0 || random.onceIn(3) ? fields : unsent);
  const persons = Object.values(people);
  const challenges = [recent(world, world.challenges)?.secret ?? '', recent(world, world.challenges)?.secret ?? ''];
  const passwords = persons.map(passwordOf);
  const answers = [
    ...codes.map((code) => `{ totpCode: ${JSON.stringify(code)} }`),
    ...recoveryCodes.map((code) => `{ recoveryCode: ${JSON.stringify(code)} }`),
    '{ passkey: { response: {} } }',
  ];
  const rows = await world.api.database.passkey.findMany({ select: { id: true }, take: 3 });
  const ids = [...persons.map(({ id }) => toNodeId('User', id)), ...rows.map(({ id }) => toNodeId('Passkey', id))];
  const values: Record<string, string[]> = {
    ...texts({ challenge: challenges, signIn: challenges, password: passwords, currentPassword: passwords }),
    ...texts({ newPassword: passwords, token: tokens, code: codes, id: ids, userId: ids }),
    ...texts({ email: persons.map(emailOf), identifier: persons.map(emailOf), newEmail: ['another@example.net'] }),
    ...texts({ role: ['user', 'admin'], name: ['Grace'], username: ['grace'] }),
    answer: answers,
    response: ['{}'],
    data: ['{ a: 1 }'],
  };
  const given = field.args.flatMap(({ name, type }) => {
    const inner = isNonNullType(type) ? type.ofType : type;
    const isOptional = !isNonNullType(type);
    if (name === 'transport') return [`transport: ${actor.device.transport}`];
    if (String(inner) === 'Boolean') return [`${name}: ${random.onceIn(2)}`];
    const choices = values[name] ?? [];
    if (isOptional && random.onceIn(2)) return [];
    return [`${name}: ${choices.length === 0 ? literalOf(inner, random) : random.pick(choices)}`];
  });
  const list = given.length === 0 ? '' : `(${given.join(', ')})`;
  await world.send(actor, `mutation { ${field.name}${list} ${selectionOf(field.type)} }`);
  for (const person of persons) await world.reread(person);
}

const texts = (all: Record<string, string[]>): Record<string, string[]> =>
  Object.fromEntries(
    Object.entries(all).map(([name, choices]) => [name, choices.map((choice) => JSON.stringify(choice))]),
  );

async function secretsOf(world: SignInWorld, person: Person): Promise<Secrets> {
  const link = await world.findLink(person, [...Object.keys(followed), 'reset-password', 'sign-in']);
  const codes = person.app ? [person.app.code()] : ['000000'];
  return { codes, recoveryCodes: person.recoveryCodes.slice(0, 1), tokens: link?.token ? [link.token] : [] };
}

/** Any mutation of the schema, also a new one, of anybody: the administrator is one of the people. */
export const actionsOfAnybody: readonly Action[] = [
  {
    name: 'send any mutation',
    weight: 24,
    async run(world) {
      const person = somebody(world);
      await sendAny(world, world.actorOf(person), await secretsOf(world, person));
    },
  },
  {
    name: 'send any mutation as the thief',
    weight: 16,
    async run(world) {
      const actor = { name: 'thief', device: world.random.pick(world.thief) };
      // Codes that were used already. Those of a sign-in that is refused as a whole are still good.
      const used = world.acceptedCodes.slice(-2).map(({ code }) => code);
      const recoveryCodes = world.usedRecoveryCodes.map(({ code }) => code);
      await sendAny(world, actor, { codes: ['000000', ...used], recoveryCodes, tokens: [] });
    },
  },
];
