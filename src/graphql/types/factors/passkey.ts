import { maxPasskeys, type Passkey as PasskeyRow, userHandleOf } from '../../../factors/passkeys/passkey.ts';
import type { Scope } from '../../../scope.ts';
import { noUserId, type User as UserRow } from '../../../users/user.ts';
import { builder } from '../../builder.ts';
import { toNodeId } from '../../node-id.ts';
import { User } from '../user.ts';

/** Returns the condition for the passkeys that the caller may see: those of its user, for administrators all. */
export function wherePasskeyVisibleTo({ session, isAdmin }: Scope) {
  return isAdmin ? {} : { userId: session?.userId ?? noUserId };
}

export const Passkey = builder.prismaObject('Passkey', {
  access: 'parent',
  description: 'A passkey of a user: a key on a device, or at a provider. Visible to its user and to administrators.',
  interfaces: [builder.nodeInterfaceRef()],
  fields: (t) => ({
    id: t.id({
      description: 'The global ID: unique among all types, opaque, and never a credential.',
      resolve: ({ id }) => toNodeId('Passkey', id),
    }),
    name: t.exposeString('name', {
      nullable: true,
      description: 'The name that the user gave it. Null if there is none.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was added.' }),
    lastUsedAt: t.expose('lastUsedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was last used for a sign-in or a proof of identity. Null if it was not used yet.',
    }),
    credentialId: t.exposeString('credentialId', {
      description: 'The id by which browsers know it, in base64url: the `id` of their answers. Not secret.',
    }),
    isSynced: t.exposeBoolean('isBackupEligible', {
      description: 'Whether a provider can copy it to other devices of the user. If not, it stays on one device.',
    }),
    isBackedUp: t.exposeBoolean('isBackedUp', {
      description: 'Whether it was backed up at its last use. If not, it is lost with its device.',
    }),
    aaguid: t.exposeString('aaguid', {
      description:
        'The model of its authenticator, such as a password manager, as a UUID: a hint for its name and icon. All zeros ' +
        'if it is unknown. Not verified.',
    }),
    transports: t.stringList({
      description: 'How a browser reaches it, for example `internal` or `usb`. Empty if it is unknown.',
      resolve: ({ transports }) => transports?.split(' ') ?? [],
    }),
  }),
});

/** The passkeys of a user, as the Signal API of browsers wants to know them. */
type Signals = { user: UserRow; passkeys: PasskeyRow[] };

const PasskeySignals = builder.objectRef<Signals>('PasskeySignals').implement({
  access: 'parent',
  description:
    'The input for the Signal API of browsers (WebAuthn Level 3 section 5.1.10), which removes deleted passkeys from ' +
    'devices, and renames accounts on them.',
  fields: (t) => ({
    rpId: t.string({
      description: 'The domain of the passkeys: `rpId`.',
      resolve: (_signals, _args, { config }) => config.passkeys.rpId,
    }),
    userHandle: t.string({
      description: 'The account on devices, in base64url: `userId`. It is not the `id` of the user.',
      resolve: ({ user, passkeys }, _args, { config }) => userHandleOf(user, passkeys, config.passkeys),
    }),
    credentialIds: t.stringList({
      description: 'The ids of all passkeys: `allAcceptedCredentialIds`.',
      resolve: ({ passkeys }) => passkeys.map(({ credentialId }) => credentialId),
    }),
    name: t.string({ description: 'The name of the account: `name`.', resolve: ({ user }) => user.email }),
    displayName: t.string({
      description: 'The name of the person: `displayName`.',
      resolve: ({ user }) => user.name ?? user.email,
    }),
  }),
});

builder.prismaObjectField(User, 'passkeys', (t) =>
  t.field({
    access: 'owner',
    type: [Passkey],
    nullable: { list: true, items: false },
    description:
      `The passkeys of the user, oldest first, at most ${maxPasskeys}. Null for callers other than the user and ` +
      'administrators.',
    complexity: { field: 1, multiplier: maxPasskeys },
    resolve: ({ id }, _args, { loaders }) => loaders.passkeys(id),
  }),
);

builder.prismaObjectField(User, 'passkeySignals', (t) =>
  t.field({
    access: 'owner',
    type: PasskeySignals,
    nullable: true,
    description:
      'The input for the Signal API of browsers. Select it after every change of the passkeys, the name or the ' +
      'address, and after a sign-in. Null for callers other than the user and administrators.',
    resolve: async (user, _args, { loaders }) => ({ user, passkeys: await loaders.passkeys(user.id) }),
  }),
);
