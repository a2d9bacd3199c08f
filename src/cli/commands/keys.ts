import type { Command } from 'commander';
import { createEncryptionKey } from '../../encryption/keys.ts';
import { deleteSigningKeys } from '../../signing-keys/rotate.ts';
import { createServiceKey, hashToken } from '../../tokens/token.ts';
import { counted, type JsonOption, jsonOption, sayResult } from '../output.ts';
import { withDatabase } from '../with-database.ts';

/** Adds the commands that create and delete keys. */
export function addKeyCommands(program: Command): void {
  program
    .command('create-service-key')
    .description(
      'Create a key for a trusted service. Prints the key, which is shown only once, and its hash for SERVICE_KEYS.',
    )
    .option(...jsonOption)
    .action((options: JsonOption) => {
      const key = createServiceKey();
      const hash = hashToken(key);
      sayResult(
        { serviceKey: key, hashedServiceKey: hash },
        options,
        `Service key, to send as x-service-key:  ${key}`,
        `Its SHA-256, for SERVICE_KEYS:          ${hash}`,
      );
    });
  program
    .command('create-encryption-key')
    .description('Create a key for ENCRYPTION_KEYS. Prints it as `id:key`, and stores it nowhere.')
    .option(...jsonOption)
    .action((options: JsonOption) => {
      const encryptionKey = createEncryptionKey();
      sayResult({ encryptionKey }, options, encryptionKey);
      if (options.json) return;
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
    .option(...jsonOption)
    .action((options: JsonOption) =>
      withDatabase(async (database) => {
        const count = await deleteSigningKeys(database);
        sayResult({ deletedSigningKeys: count }, options, `Deleted ${counted(count, 'signing key')}.`);
      }),
    );
}
