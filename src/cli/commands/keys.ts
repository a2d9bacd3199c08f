import type { Command } from 'commander';
import { createEncryptionKey } from '../../encryption/keys.ts';
import { deleteSigningKeys } from '../../signing-keys/rotate.ts';
import { createServiceKey, hashToken } from '../../tokens/token.ts';
import { counted, say } from '../output.ts';
import { withDatabase } from '../with-database.ts';

/** Adds the commands that create and delete keys. */
export function addKeyCommands(program: Command): void {
  program
    .command('create-service-key')
    .description(
      'Create a key for a trusted service. Prints the key, which is shown only once, and its hash for SERVICE_KEYS.',
    )
    .action(() => {
      const key = createServiceKey();
      say(`Service key, to send as x-service-key:  ${key}`);
      say(`Its SHA-256, for SERVICE_KEYS:          ${hashToken(key)}`);
    });
  program
    .command('create-encryption-key')
    .description('Create a key for ENCRYPTION_KEYS. Prints it as `id:key`, and stores it nowhere.')
    .action(() => {
      say(createEncryptionKey());
      // Standard output has only the key, so that a script can use it.
      process.stderr.write(
        'Keep it outside the database and its backups. The first key of ENCRYPTION_KEYS encrypts.\n',
      );
    });
  program
    .command('delete-signing-keys')
    .description(
      'Delete all keys that sign tokens, for an encryption key that is lost or has leaked. Tokens that they signed ' +
        'become invalid once verifiers fetch the keys again. Running servers make a new key within a minute.',
    )
    .action(() =>
      withDatabase(async (database) => {
        const count = await deleteSigningKeys(database);
        say(`Deleted ${counted(count, 'signing key')}.`);
      }),
    );
}
