import { toNodeId } from '../../../src/graphql/node-id.ts';
import { type Action, passwordOf } from './actions.ts';
import { mutations } from './mutations.ts';
import type { SignInWorld } from './world.ts';

/** Sends a mutation about a user, after a new proof of the password. */
async function administer(world: SignInWorld, field: string, further = ''): Promise<void> {
  const { ada, bob, admin } = world.people;
  const actor = world.actorOf(admin);
  await world.send(actor, mutations.reauthenticate, { password: passwordOf(admin) });
  const id = toNodeId('User', world.random.pick([ada, bob]).id);
  await world.send(actor, `mutation { ${field}(id: "${id}"${further}) { __typename } }`);
}

/** The actions of the administrator. */
export const actionsOfAdministrator: readonly Action[] = [
  {
    name: 'change a role',
    weight: 3,
    run: (world) => administer(world, 'setUserRole', `, role: "${world.random.pick(['user', 'admin'])}"`),
  },
  { name: 'suspend a user', weight: 1, run: (world) => administer(world, 'suspendUser') },
  { name: 'reinstate a user', weight: 3, run: (world) => administer(world, 'reinstateUser') },
  { name: 'end the sessions of a user', weight: 1, run: (world) => administer(world, 'revokeUserSessions') },
];
