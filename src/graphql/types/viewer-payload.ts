import type { User as UserRow } from '../../users/user.ts';
import { builder } from '../builder.ts';
import { User } from './user.ts';

export const ViewerPayload = builder.objectRef<{ viewer: UserRow }>('ViewerPayload').implement({
  access: 'parent',
  description: 'The user, changed.',
  fields: (t) => ({
    viewer: t.expose('viewer', {
      type: User,
      description: 'The signed-in user or, where it was done by a link, the one that it was for, as they are now.',
    }),
  }),
});
