import { toNodeId } from '../../../src/graphql/node-id.ts';
import type { Data } from '../api.ts';
import { nextCode } from '../second-factor.ts';
import { type Action, passwordOf, signUpAgain } from './actions.ts';
import { mutations } from './mutations.ts';
import type { SignInWorld } from './world.ts';

const anyUser = ({ people, random }: SignInWorld) => random.pick([people.ada, people.bob]);

/** Sends a mutation about a user, after a new proof of the password. */
async function administer(world: SignInWorld, field: string, further = '', of = anyUser(world)): Promise<Data> {
  const { admin } = world.people;
  const actor = world.actorOf(admin);
  await world.send(actor, mutations.reauthenticate, { password: passwordOf(admin) });
  if (admin.app) await world.send(actor, mutations.proveFactor, { answer: { totpCode: admin.app.code() } });
  nextCode(world.api);
  const id = toNodeId('User', of.id);
  return world.send(actor, `mutation { ${field}(id: "${id}"${further}) { __typename } }`);
}

/** The actions of the administrator. */
export const actionsOfAdministrator: readonly Action[] = [
  {
    name: 'change a role',
    weight: 3,
    run: (world) => administer(world, 'setUserRole', `, role: "${world.random.pick(['user', 'admin'])}"`),
  },
  {
    name: 'request a reset of factors',
    weight: 3,
    run: (world) => administer(world, 'resetUserFactors', ', reason: LOST'),
  },
  {
    name: 'delete a user, who signs up again',
    weight: 1,
    async run(world) {
      const { bob } = world.people;
      const deleted = await administer(world, 'deleteUser', '', bob);
      if (deleted?.__typename === 'DeleteUserPayload') await signUpAgain(world, bob);
    },
  },
  { name: 'cancel a reset of factors', weight: 1, run: (world) => administer(world, 'cancelFactorReset') },
  { name: 'suspend a user', weight: 1, run: (world) => administer(world, 'suspendUser') },
  { name: 'reinstate a user', weight: 3, run: (world) => administer(world, 'reinstateUser') },
  { name: 'end the sessions of a user', weight: 1, run: (world) => administer(world, 'revokeUserSessions') },
];
