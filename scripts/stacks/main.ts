/**
 * Checks the server with third-party software that asks it whose request it got: `npm run check:stacks`, or
 * `npm run check:stacks nginx caddy` for some of it. The software runs with the files of examples/stacks, which
 * docs/your-backend.md prints. Needs the ports 3000, 4000, 4443 and 8080, and the Debian packages that it names if they
 * are missing.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chooseParts } from '../checks/choose.ts';
import type { Transport } from '../checks/client.ts';
import { describeMissing, startProgram } from '../checks/processes.ts';
import { beginSteps } from '../checks/steps.ts';
import { type Accounts, openAccounts } from './accounts.ts';
import { startApplication } from './application.ts';
import { stacks } from './catalog.ts';
import { checks } from './checks.ts';
import type { Place, Stack } from './stack.ts';

const chosen = chooseParts('stack', stacks, process.argv.slice(2));
const folder = await mkdtemp(join(tmpdir(), 'graphql-sessions-stacks-'));
const accounts = await openAccounts(folder);
const steps = beginSteps();
try {
  for (const stack of chosen) await checkStack(stack, accounts);
} finally {
  await accounts.close();
  await rm(folder, { recursive: true, force: true });
}
steps.finish();

/** Starts the software of a stack, runs all checks, and ends it. */
async function checkStack(stack: Stack, accounts: Accounts): Promise<void> {
  console.log(`\n${stack.name}`);
  const missing = stack.programs.filter((program) => !program.isInstalled());
  for (const program of missing) steps.fail(describeMissing(program));
  if (missing.length > 0) return;
  const ends: (() => Promise<void>)[] = [];
  const printed: (() => string)[] = [];
  try {
    const server = await accounts.start();
    ends.push(server.stop);
    if (stack.isProxy) ends.push((await startApplication()).stop);
    const place = await makePlace(stack, accounts);
    await stack.start({
      ...place,
      atEnd: (end) => ends.push(end),
      async run(command, args, { env = {}, port }) {
        const running = await startProgram(command, args, { cwd: place.folder, env, port });
        ends.push(running.stop);
        printed.push(running.printed);
      },
    });
    await runChecks({ stack, accounts, server });
  } catch (error) {
    steps.fail(`to start: ${error instanceof Error ? error.message : error}`);
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

async function makePlace({ name }: Stack, { service }: Accounts): Promise<Omit<Place, 'run' | 'atEnd'>> {
  const own = join(folder, name);
  await mkdir(own);
  return { folder: own, ...service };
}

async function runChecks(context: Parameters<(typeof checks)[number]['act']>[0]): Promise<void> {
  const { stack } = context;
  const { ownChecks } = stack;
  if (ownChecks !== undefined) return runOwnChecks(stack, ownChecks);
  for (const { name, act, appliesTo, transports = stack.transports } of checks) {
    if (appliesTo?.(stack) === false) continue;
    for (const transport of transports) {
      // The last check ends the server, so it has one transport.
      if (context.server.child.exitCode !== null) continue;
      await steps.take(`${name}, by ${placeOf(transport)}`, () => act(context, transport));
    }
  }
}

async function runOwnChecks(stack: Stack, ownChecks: Stack['ownChecks'] & {}): Promise<void> {
  for (const [name, act] of Object.entries(ownChecks)) {
    for (const transport of stack.transports) {
      await steps.take(`${name}, by ${placeOf(transport)}`, () => act(stack, transport));
    }
  }
}

function placeOf(transport: Transport): string {
  return transport === 'COOKIE' ? 'cookie' : 'bearer token';
}
