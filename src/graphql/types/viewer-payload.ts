import type { User as UserRow } from '../../users/user.ts';
import { builder } from '../builder.ts';
import { User } from './user.ts';

export const ViewerPayload = builder.objectRef<{ viewer: UserRow }>('ViewerPayload').implement({
  access: 'parent',
  description: 'The user after the change.',
  fields: (t) => ({
    viewer: t.expose('viewer', {
      type: User,
      description: 'The signed-in user. For a mailed link, the user of the link.',
    }),
  }),
});
