import { forgetDevice } from '../../accounts/devices/forget-device.ts';
import { DeviceNotFoundError } from '../../errors.ts';
import { requireUser } from '../../scope.ts';
import type { User as UserRow } from '../../users/user.ts';
import { builder } from '../builder.ts';
import { parseNodeId } from '../node-id.ts';
import { User } from '../types/user.ts';

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
