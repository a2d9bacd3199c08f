import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Database } from '../../../database/database.ts';
import type { WebhookDelivery } from '../../../generated/sqlite/client.ts';
import { commandScope, type Scope } from '../../../scope.ts';
import { type DeadDeliveries, maxReplayed, replayDead, replayDelivery } from '../../../webhooks/replay.ts';
import { deliveryStates } from '../../../webhooks/webhook.ts';
import { columns, counted, type JsonOption, jsonOption, sayResult, sayRows } from '../../output.ts';
import { toLimit } from '../../to-limit.ts';
import { withDatabase } from '../../with-database.ts';
import { idArgument, toId } from './id.ts';

type ListOptions = JsonOption & { state?: string; limit: number };
type ReplayOptions = JsonOption & { delivery?: bigint; deadSince?: Date };

/** Adds the commands that show and repeat the deliveries of webhooks. */
export function addDeliveryCommands(group: Command): void {
  const states = Object.keys(deliveryStates).map((state) => state.toLowerCase());
  group
    .command('deliveries')
    .description('List the deliveries to a webhook, newest first.')
    .argument(...idArgument, toId)
    .addOption(new Option('--state <state>', 'only deliveries in this state').choices(states))
    .option('--limit <number>', 'maximum number of deliveries', toLimit, 100)
    .option(...jsonOption)
    .action((webhookId: bigint, { state, limit, ...options }: ListOptions) =>
      withDatabase(async (database) => {
        const where = { webhookId, ...(state === undefined ? {} : { state: state.toUpperCase() }) };
        const rows = await database.webhookDelivery.findMany({ where, orderBy: { id: 'desc' }, take: limit });
        sayRows(rows.map(describe), options, lineOf);
      }),
    );
  group
    .command('replay')
    .description('Send one delivery of a webhook again, or all dead ones since a time.')
    .argument(...idArgument, toId)
    .addOption(new Option('--delivery <id>', 'the delivery, also one that was delivered').argParser(toId))
    .addOption(
      new Option('--dead-since <time>', 'all that were given up since').argParser(toTime).conflicts('delivery'),
    )
    .option(...jsonOption)
    .action(async (webhookId: bigint, { delivery, deadSince, ...options }: ReplayOptions, command: Command) => {
      if (delivery === undefined && deadSince === undefined) {
        command.error('error: name --delivery <id> or --dead-since <time>', { exitCode: 2 });
      }
      await withDatabase(async (database, clock) => {
        const scope = commandScope(clock.now());
        const since = deadSince ?? scope.now;
        const replayedCount =
          delivery === undefined
            ? await replayAllDead(database, scope, { webhookId, since })
            : await replayDelivery(database, scope, { id: delivery, webhookId }).then(() => 1);
        const noun = replayedCount === 1 ? 'delivery is' : 'deliveries are';
        sayResult({ replayedCount }, options, `${replayedCount} ${noun} sent again.`);
      });
    });
}

/** Sends all dead deliveries again, and returns their number. */
async function replayAllDead(database: Database, scope: Scope, dead: DeadDeliveries): Promise<number> {
  let sum = 0;
  for (let count = maxReplayed; count === maxReplayed; sum += count) count = await replayDead(database, scope, dead);
  return sum;
}

/** Reads a time from the command line. @throws InvalidArgumentError */
function toTime(value: string): Date {
  const time = new Date(value);
  if (/^\d{4}-\d\d-\d\d/.test(value) && !Number.isNaN(time.getTime())) return time;
  throw new InvalidArgumentError('It must be a date or a time, such as 2027-01-31 or 2027-01-31T12:00:00Z.');
}

function describe({ payload: _payload, userId: _userId, ...delivery }: WebhookDelivery) {
  return delivery;
}

function lineOf({ id, messageId, eventType, state, ...delivery }: ReturnType<typeof describe>): string {
  const { attempts, sendAfter, lastError } = delivery;
  const next = state === 'WAITING' && `due ${sendAfter.toISOString()}`;
  return columns(String(id), messageId, eventType, state, counted(attempts, 'attempt'), lastError, next);
}
