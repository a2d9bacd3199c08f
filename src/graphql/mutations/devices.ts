import { type Disowned, disownSession } from '../../accounts/sign-ins/disown-session.ts';
import { forgetDevice } from '../../accounts/sign-ins/forget-device.ts';
import { DeviceNotFoundError, RateLimitedError, TokenInvalidError } from '../../errors.ts';
import { requireUser } from '../../scope.ts';
import type { User as UserRow } from '../../users/user.ts';
import { builder } from '../builder.ts';
import { parseNodeId } from '../node-id.ts';
import { User } from '../types/user.ts';
import { signOutIfOver, toGlobalId } from './sessions/end-sessions.ts';

type Forgotten = { deviceId: bigint; viewer: UserRow };

const ForgetDevicePayload = builder.objectRef<Forgotten>('ForgetDevicePayload').implement({
  access: 'parent',
  description: 'The forgotten device.',
  fields: (t) => ({
    forgottenDeviceId: t.globalID({
      description: 'The ID of the device, which does not exist any more.',
      resolve: ({ deviceId }) => ({ id: String(deviceId), type: 'TrustedDevice' }),
    }),
    viewer: t.expose('viewer', { type: User, description: 'The signed-in user.' }),
  }),
});

builder.mutationField('forgetDevice', (t) =>
  t.field({
    access: 'user',
    type: ForgetDevicePayload,
    errors: { types: [DeviceNotFoundError] },
    description:
      'Forgets a trusted device of the signed-in user. The next sign-in on it is one on a new device. It ends no ' +
      'session: see `revoke`.',
    args: { id: t.arg.id({ required: true, description: 'The `id` of the trusted device.' }) },
    resolve: async (_root, { id }, { caller, database }) => {
      const scope = requireUser(caller.scope);
      const node = parseNodeId(id, database);
      if (node?.type !== 'TrustedDevice') throw new DeviceNotFoundError();
      await forgetDevice(database, scope, node.id);
      return { deviceId: node.id, viewer: scope.session.user };
    },
  }),
);

const DisownSessionPayload = builder.objectRef<Disowned>('DisownSessionPayload').implement({
  access: 'parent',
  description: 'The disowned session.',
  fields: (t) => ({
    revokedSessionId: t.globalID({
      nullable: true,
      description: 'The ID of the session that this mutation ended. Null if it had ended before.',
      resolve: ({ session }) => session && toGlobalId(session),
    }),
    email: t.exposeString('email', {
      nullable: true,
      description:
        'The email address to which the server mails a link to choose a new password. Null if the address of the ' +
        'account has changed since: nothing is mailed then.',
    }),
  }),
});

builder.mutationField('disownSession', (t) =>
  t.field({
    access: 'public',
    type: DisownSessionPayload,
    errors: { types: [TokenInvalidError, RateLimitedError] },
    description:
      'Ends the session that the mail about a new device is about, by its link. Forgets the device, and mails a link ' +
      'to choose a new password, which ends all sessions: see `resetPassword`. It needs no session and no password. ' +
      'The link works once, within a week. Call it only after a click of the user: programs that scan mail open links.',
    args: { token: t.arg.string({ required: true, description: 'The token from the mailed link.' }) },
    resolve: async (_root, { token }, { caller, config, database }) => {
      const disowned = await disownSession(database, caller.scope, token, config.attempts);
      if (disowned.session !== null) signOutIfOver(caller, [disowned.session]);
      return disowned;
    },
  }),
);
