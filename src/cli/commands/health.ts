import { isIPv6 } from 'node:net';
import type { Command } from 'commander';
import { type Config, readConfig } from '../../config/config.ts';
import { OperatorError } from '../../errors.ts';
import { type JsonOption, jsonOption, sayResult } from '../output.ts';

/** In milliseconds. `/ready` answers after two seconds, also if the database does not. */
const timeoutMs = 4_000;

const maxReasonLength = 200;

/** Adds the command by which a supervisor without an HTTP client asks the server of the same settings. */
export function addHealthCommand(program: Command): void {
  program
    .command('health')
    .description('Ask the server on this machine, at HOST and PORT, whether it is ready. Fails if it is not.')
    .option(...jsonOption)
    .action(async (options: JsonOption) => {
      const address = `${localAddress(readConfig())}/ready`;
      const signal = AbortSignal.timeout(timeoutMs);
      const answer = await fetch(address, { signal }).catch(() => null);
      if (answer === null) throw new OperatorError(`No server answers at ${address}.`);
      // It says why, in one line.
      const text = (await answer.text().catch(() => '')).trim().slice(0, maxReasonLength);
      if (answer.status !== 200) {
        throw new OperatorError(`The server is not ready: ${address} answers ${answer.status}, "${text}".`);
      }
      sayResult({ isReady: true }, options, 'ready');
    });
}

/** Returns the address of the server for a program on the same machine. */
function localAddress({ host, port }: Pick<Config, 'host' | 'port'>): string {
  if (port === 0) throw new OperatorError('PORT is 0, so the server has chosen a port. Set PORT to that one.');
  const reachable = { '0.0.0.0': '127.0.0.1', '::': '::1' }[host] ?? host;
  return `http://${isIPv6(reachable) ? `[${reachable}]` : reachable}:${port}`;
}
