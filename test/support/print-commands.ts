/** Loaded before `src/cli.ts`, makes it print its commands with their help as JSON, instead of running one. */
import { Command } from 'commander';

function leavesOf(command: Command, path: string[]): [name: string, help: string][] {
  if (command.commands.length === 0) return [[path.join(' '), command.helpInformation()]];
  return command.commands.flatMap((one) => leavesOf(one, [...path, one.name()]));
}

Command.prototype.parseAsync = async function printCommands(this: Command) {
  process.stdout.write(JSON.stringify(leavesOf(this, [])));
  return this;
};
