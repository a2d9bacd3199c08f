import type { Command } from 'commander';
import { readConfig } from '../../config/config.ts';
import type { Clock } from '../../database/clock.ts';
import type { Database } from '../../database/database.ts';
import { createEncryptionKey } from '../../encryption/keys.ts';
import { OperatorError } from '../../errors.ts';
import { countSecrets, reencryptSecrets } from '../../maintenance/reencrypt.ts';
import { deleteSigningKeys } from '../../signing-keys/rotate.ts';
import { createServiceKey, hashToken } from '../../tokens/token.ts';
import { counted, type JsonOption, jsonOption, sayResult } from '../output.ts';
import { withDatabase } from '../with-database.ts';

/** Adds the commands that create, replace and delete keys. */
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
    .command('reencrypt-secrets')
    .description(
      'Encrypt with the first key of ENCRYPTION_KEYS all secrets that an older one encrypted, as maintenance does every ' +
        'ten minutes. Prints how many secrets each key has encrypted: a key without any may go.',
    )
    .option(...jsonOption)
    .action((options: JsonOption) => withDatabase((database, clock) => reencrypt(database, clock, options)));
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

/** @throws OperatorError if a secret still needs another key than the first one. The counts are printed before. */
async function reencrypt(database: Database, clock: Clock, options: JsonOption): Promise<void> {
  const { encryptionKeys } = readConfig();
  if (encryptionKeys === null) {
    throw new OperatorError('ENCRYPTION_KEYS is not set. Set it as for the servers: the first key encrypts.');
  }
  const [{ id: firstId }] = encryptionKeys;
  const failure: unknown = await reencryptSecrets(database, encryptionKeys, clock).catch((error) => error);
  const secrets = await countSecrets(database, clock.now());
  const lines = secrets.map(({ secret, keyId, count }) => `${keyId}  ${counted(count, secret)}`);
  sayResult({ secrets }, options, ...(lines.length > 0 ? lines : ['There are no encrypted secrets.']));
  if (failure) throw failure;
  const older = [...new Set(secrets.map(({ keyId }) => keyId))].filter((id) => id !== firstId);
  if (older.length === 0) return;
  throw new OperatorError(
    `Secrets still need the key ${older.join(', ')}. New authenticator apps that wait for their first code expire ` +
      'within ten minutes: repeat the command then.',
  );
}
