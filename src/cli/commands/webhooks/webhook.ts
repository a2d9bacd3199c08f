import { type Command, Option } from 'commander';
import { readConfig } from '../../../config/config.ts';
import type { Database } from '../../../database/database.ts';
import { auditEventTypes } from '../../../events/record.ts';
import { commandScope, type Scope } from '../../../scope.ts';
import { disableWebhook, enableWebhook } from '../../../webhooks/disable.ts';
import {
  createWebhook,
  defaultOverlapHours,
  deleteWebhook,
  type IssuedWebhookSecret,
  rotateWebhookSecret,
  testWebhook,
} from '../../../webhooks/manage.ts';
import { eventTypesOf, type Webhook, webhookFormats } from '../../../webhooks/webhook.ts';
import { columns, type JsonOption, jsonOption, sayResult, sayRows } from '../../output.ts';
import { withDatabase } from '../../with-database.ts';
import { addDeliveryCommands } from './deliveries.ts';
import { idArgument, toId } from './id.ts';

type CreateOptions = JsonOption & { description?: string; event?: string[]; format: string };

const formats = Object.keys(webhookFormats);

/** Adds the commands that manage webhooks. */
export function addWebhookCommand(program: Command): void {
  const group = program.command('webhook').description('Manage webhooks: the URLs to which events are posted.');
  const event = new Option('--event <type...>', 'types of events; all without it').choices(
    Object.keys(auditEventTypes),
  );
  group
    .command('create')
    .description('Create a webhook. Prints its id and the secret that verifies its messages, which is shown only once.')
    .argument('<url>', 'URL of the receiver, with https and a public address')
    .addOption(event)
    .addOption(new Option('--format <format>', 'format of its messages').choices(formats).default('STANDARD'))
    .option('--description <text>', 'text for administrators')
    .option(...jsonOption)
    .action((url: string, { event: eventTypes, description, format, ...options }: CreateOptions) =>
      withDatabase(async (database, clock) => {
        const input = { url, description, eventTypes, format };
        sayIssued(await createWebhook(database, commandScope(clock.now()), input, readConfig()), options);
      }),
    );
  group
    .command('list')
    .description('List the webhooks, with their types of events and their state.')
    .option(...jsonOption)
    .action((options: JsonOption) =>
      withDatabase(async (database) => {
        const webhooks = await database.webhook.findMany({ orderBy: { id: 'asc' } });
        sayRows(webhooks.map(describe), options, lineOf);
      }),
    );
  group
    .command('rotate')
    .description('Give a webhook another secret. Prints it once. For a day, messages are signed with the old one too.')
    .argument(...idArgument, toId)
    .option('--leaked', 'the old secret signs nothing from now on')
    .option(...jsonOption)
    .action((id: bigint, { leaked, ...options }: JsonOption & { leaked?: true }) =>
      withDatabase(async (database, clock) => {
        const input = { id, overlapHours: leaked ? 0 : defaultOverlapHours };
        sayIssued(await rotateWebhookSecret(database, commandScope(clock.now()), input, readConfig()), options);
      }),
    );
  group
    .command('enable')
    .description('Enable a disabled webhook. It receives the events since it was disabled.')
    .argument(...idArgument, toId)
    .option('--skip-missed', 'leave out the events until now')
    .option(...jsonOption)
    .action((id: bigint, { skipMissed, ...options }: JsonOption & { skipMissed?: true }) => {
      const act = (database: Database, scope: Scope) => enableWebhook(database, scope, { id, skipMissed });
      return sayAfter(act, 'Enabled', options);
    });
  const acts: [name: string, description: string, act: Act, done: string][] = [
    ['disable', 'Stop the messages to a webhook until `enable`. Its events wait.', disableWebhook, 'Disabled'],
    [
      'test',
      'Send an event to a webhook, of whichever types it receives.',
      testWebhook,
      'A test event is on its way to',
    ],
    ['delete', 'Delete a webhook with its secret and its deliveries.', deleteWebhook, 'Deleted'],
  ];
  for (const [name, description, act, done] of acts) {
    group
      .command(name)
      .description(description)
      .argument(...idArgument, toId)
      .option(...jsonOption)
      .action((id: bigint, options: JsonOption) => sayAfter((...args) => act(...args, id), done, options));
  }
  addDeliveryCommands(group);
}

type Act = (database: Database, scope: Scope, id: bigint) => Promise<Webhook>;

function sayAfter(act: (database: Database, scope: Scope) => Promise<Webhook>, done: string, options: JsonOption) {
  return withDatabase(async (database, clock) => {
    const webhook = await act(database, commandScope(clock.now()));
    sayResult({ webhook: describe(webhook) }, options, `${done}: ${webhook.id} ${webhook.url}`);
  });
}

function sayIssued({ webhook, secret }: IssuedWebhookSecret, options: JsonOption): void {
  const { id, url } = webhook;
  sayResult({ id, url, secret }, options, `Webhook:  ${id} ${url}`, `Secret:   ${secret}`);
}

function describe(webhook: Webhook) {
  const { id, url, description, format, createdAt } = webhook;
  const { failingSince, disabledAt, disabledReason, previousSecretUntil } = webhook;
  const state = { failingSince, disabledAt, disabledReason, previousSecretUntil };
  return { id, url, description, format, eventTypes: eventTypesOf(webhook), createdAt, ...state };
}

function lineOf({ id, url, eventTypes, ...webhook }: ReturnType<typeof describe>): string {
  const { failingSince, disabledAt, disabledReason, description } = webhook;
  const state =
    disabledAt !== null
      ? `disabled ${disabledAt.toISOString()} (${disabledReason})`
      : failingSince && `failing since ${failingSince.toISOString()}`;
  return columns(String(id), url, eventTypes?.join(' ') ?? 'all events', state, description);
}
