import type { Scope } from '../../scope.ts';
import { isDeviceOf, lastUseOf, maxDevicesPerUser, whereTrusted } from '../../tokens/trusted-device.ts';
import { noUserId } from '../../users/user.ts';
import { builder } from '../builder.ts';
import { toNodeId } from '../node-id.ts';
import { User } from './user.ts';

/** Returns the condition for the trusted devices that the caller may see: those of its user, for administrators all. */
export function whereDeviceVisibleTo({ session, isAdmin, now }: Scope) {
  const { userId, ...isTrusted } = whereTrusted(session?.userId ?? noUserId, now);
  return isAdmin ? isTrusted : { userId, ...isTrusted };
}

export const TrustedDevice = builder.prismaObject('UserToken', {
  name: 'TrustedDevice',
  access: 'parent',
  description:
    'A device on which the user has signed in. Failed attempts by strangers do not delay a sign-in on it. Visible to ' +
    'its user and to administrators.',
  interfaces: [builder.nodeInterfaceRef()],
  fields: (t) => ({
    id: t.id({
      description: 'The global ID: unique among all types, opaque, and never a credential.',
      resolve: ({ id }) => toNodeId('TrustedDevice', id),
    }),
    clientName: t.string({
      nullable: true,
      description:
        'The name of the client at the last sign-in, from the user agent: for example `Firefox on Windows`. Null if it ' +
        'is unknown.',
      resolve: (device) => lastUseOf(device)?.clientName ?? null,
    }),
    createdAt: t.expose('createdAt', {
      type: 'DateTime',
      description: 'When the device became trusted: at the first sign-in on it.',
    }),
    lastUsedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description:
        'When the user last signed in on the device. Null if an earlier version of the server did not record it.',
      resolve: (device) => lastUseOf(device)?.at ?? null,
    }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', description: 'When the device is no longer trusted.' }),
    skipsSecondFactorUntil: t.field({
      type: 'DateTime',
      nullable: true,
      description:
        'Until when sign-ins on the device need no second factor: see `completeLogin(trustDevice:)`. Null if they need it.',
      resolve: (device, _args, { caller }) => {
        const until = lastUseOf(device)?.noSecondFactorUntil ?? null;
        return until !== null && until > caller.scope.now ? until : null;
      },
    }),
    isCurrent: t.boolean({
      description: 'Whether this is the device of the request: the one whose device token came with it.',
      resolve: (device, _args, { caller }) => isDeviceOf(device, caller.scope),
    }),
  }),
});

builder.prismaObjectField(User, 'trustedDevices', (t) =>
  t.field({
    access: 'owner',
    type: [TrustedDevice],
    nullable: { list: true, items: false },
    description:
      `The devices on which the user has signed in, newest first, at most ${maxDevicesPerUser}. Null for ` +
      'callers other than the user and administrators.',
    complexity: { field: 1, multiplier: maxDevicesPerUser },
    resolve: ({ id }, _args, { loaders }) => loaders.trustedDevices(id),
  }),
);
