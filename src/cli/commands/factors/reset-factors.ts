import { type Command, Option } from 'commander';
import { cancelFactorReset, requestFactorReset, resetFactorsNow } from '../../../accounts/factors/reset.ts';
import { readConfig } from '../../../config/config.ts';
import type { Database } from '../../../database/database.ts';
import { commandScope, type Scope } from '../../../scope.ts';
import { type ResetReason, resetReasons } from '../../../users/factor-resets.ts';
import { requireUserByIdentifierOrId } from '../../../users/identifier.ts';
import type { User } from '../../../users/user.ts';
import { describeUser } from '../../descriptions.ts';
import { counted, type JsonOption, jsonOption, sayResult } from '../../output.ts';
import { withDatabase } from '../../with-database.ts';

type Choice = { reason?: ResetReason; now?: boolean; cancel?: boolean };

/** The line for people, and the facts for programs. */
type Done = { line: string; [fact: string]: unknown };

/** Adds the command that resets the factors of a user. */
export function addResetFactorsCommand(program: Command): void {
  program
    .command('reset-factors')
    .description(
      'Remove the authenticator app, the passkeys and the recovery codes of a user who has lost them, after ' +
        'FACTOR_RESET_DELAY. A mail with a link lets the user refuse it, and a sign-in with a second factor cancels it.',
    )
    .argument('<user>', 'email address or id of the user')
    .addOption(new Option('--reason <reason>', 'why the factors are reset').choices(resetReasons))
    .option('--now', 'reset at once: you have verified by other means that the person is the user')
    .addOption(new Option('--cancel', 'cancel the pending reset').conflicts(['reason', 'now']))
    .option(...jsonOption)
    .action((name: string, { json = false, ...choice }: JsonOption & Choice, command: Command) => {
      if (!choice.cancel && !choice.reason) command.error('Specify the reason with --reason, or --cancel.');
      return withDatabase(async (database, clock) => {
        const user = await requireUserByIdentifierOrId(database, name);
        const { line, ...facts } = await carryOut(database, commandScope(clock.now()), user, choice);
        sayResult({ user: describeUser(user), ...facts }, { json }, line);
      });
    });
}

async function carryOut(database: Database, scope: Scope, { id, email }: User, choice: Choice): Promise<Done> {
  const { reason, now = false } = choice;
  if (reason === undefined) {
    await cancelFactorReset(database, scope, id);
    return { line: `The factors of ${email} stay.` };
  }
  if (now) {
    const { sessions } = await resetFactorsNow(database, scope, { id, reason });
    const line = `Reset the factors of ${email}, and ended ${counted(sessions.length, 'session')}.`;
    return { line, endedSessions: sessions.length };
  }
  const { reset } = await requestFactorReset(database, scope, { id, reason }, readConfig());
  return { line: `The factors of ${email} will be reset at ${reset.dueAt.toISOString()}.`, takesEffectAt: reset.dueAt };
}
