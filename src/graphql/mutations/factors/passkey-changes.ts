import { deletePasskey, renamePasskey } from '../../../accounts/factors/passkeys/manage.ts';
import {
  FactorNotFoundError,
  InvalidCredentialsError,
  LastFactorError,
  RateLimitedError,
  ReauthenticationRequiredError,
  ValidationError,
} from '../../../errors.ts';
import type { Passkey as PasskeyRow } from '../../../factors/passkeys/passkey.ts';
import { requireUser } from '../../../scope.ts';
import type { User as UserRow } from '../../../users/user.ts';
import { builder } from '../../builder.ts';
import { parseNodeId } from '../../node-id.ts';
import { Passkey } from '../../types/factors/passkey.ts';
import { User } from '../../types/user.ts';

const idArgument = { required: true, description: 'The `id` of the passkey.' } as const;
const viewerDescription = 'The signed-in user.';

const RenamePasskeyPayload = builder
  .objectRef<{ passkey: PasskeyRow; viewer: UserRow }>('RenamePasskeyPayload')
  .implement({
    access: 'parent',
    description: 'The renamed passkey.',
    fields: (t) => ({
      passkey: t.expose('passkey', { type: Passkey, description: 'The passkey with its new name.' }),
      viewer: t.expose('viewer', { type: User, description: viewerDescription }),
    }),
  });

builder.mutationField('renamePasskey', (t) =>
  t.field({
    access: 'user',
    type: RenamePasskeyPayload,
    errors: { types: [FactorNotFoundError, ValidationError] },
    description: 'Renames a passkey of the signed-in user.',
    args: {
      id: t.arg.id(idArgument),
      name: t.arg.string({ description: 'The new name. Null, or an empty text, removes it.' }),
    },
    resolve: async (_root, { id, name }, { caller, database }) => {
      const scope = requireUser(caller.scope);
      const node = parseNodeId(id, database);
      if (node?.type !== 'Passkey') throw new FactorNotFoundError();
      const passkey = await renamePasskey(database, scope, { id: node.id, name: name ?? null });
      return { passkey, viewer: scope.session.user };
    },
  }),
);

const DeletePasskeyPayload = builder
  .objectRef<{ passkeyId: bigint; viewer: UserRow }>('DeletePasskeyPayload')
  .implement({
    access: 'parent',
    description: 'The deleted passkey.',
    fields: (t) => ({
      deletedPasskeyId: t.globalID({
        description: 'The ID of the passkey, which does not exist any more.',
        resolve: ({ passkeyId }) => ({ id: String(passkeyId), type: 'Passkey' }),
      }),
      viewer: t.expose('viewer', {
        type: User,
        description:
          'The signed-in user: with `passkeySignals`, by which the browser removes the passkey from devices.',
      }),
    }),
  });

builder.mutationField('deletePasskey', (t) =>
  t.field({
    access: 'user',
    requiresProof: { when: 'sometimes' },
    type: DeletePasskeyPayload,
    errors: {
      types: [
        FactorNotFoundError,
        LastFactorError,
        ReauthenticationRequiredError,
        InvalidCredentialsError,
        RateLimitedError,
      ],
    },
    description: 'Deletes a passkey of the signed-in user, who has given a recent proof. Its answers are rejected.',
    args: { id: t.arg.id(idArgument) },
    resolve: async (_root, { id }, { caller, config, database }) => {
      const scope = requireUser(caller.scope);
      const node = parseNodeId(id, database);
      if (node?.type !== 'Passkey') throw new FactorNotFoundError();
      await deletePasskey(database, scope, node.id, config);
      return { passkeyId: node.id, viewer: scope.session.user };
    },
  }),
);
