import type { Command } from 'commander';
import type { Mail } from '../../generated/sqlite/client.ts';
import { columns, type JsonOption, jsonOption, sayRows } from '../output.ts';
import { toLimit } from '../to-limit.ts';
import { withDatabase } from '../with-database.ts';

/** Adds the command that lists the mails that are not sent yet. */
export function addMailsCommand(program: Command): void {
  program
    .command('mails')
    .description('List the mails that are not sent yet, in the order in which they are due.')
    .option('--limit <number>', 'maximum number of mails', toLimit, 100)
    .option(...jsonOption)
    .action((options: JsonOption & { limit: number }) =>
      withDatabase(async (database) => {
        const mails = await database.mail.findMany({ orderBy: { sendAfter: 'asc' }, take: options.limit });
        sayRows(mails.map(describeMail), options, mailLine);
      }),
    );
}

/** Returns the facts about a mail, without the values for its template. */
function describeMail({ id, template, recipient, userId, createdAt, sendAfter, attempts }: Mail) {
  return { id, template, recipient, userId, createdAt, sendAfter, attempts };
}

function mailLine({ id, template, recipient, attempts, ...mail }: ReturnType<typeof describeMail>): string {
  const failed = attempts > 0 && `${attempts} ${attempts === 1 ? 'attempt' : 'attempts'}`;
  return columns(String(id), template, recipient, `due ${mail.sendAfter.toISOString()}`, failed);
}
