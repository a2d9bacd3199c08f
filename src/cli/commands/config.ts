import type { Command } from 'commander';
import { type Config, readConfig, readFromEnvironment } from '../../config/config.ts';
import { loadEnvironmentFile } from '../../config/environment-file.ts';
import { inspectSettings, type Reader, type Setting } from '../../config/inspect/settings.ts';
import { readLogPolicy } from '../../config/monitoring/log.ts';
import { findMisspellings } from '../../config/names.ts';
import { InvalidSettingsError, OperatorNotice } from '../../errors.ts';
import { warnAboutSettings } from '../../server/warnings.ts';
import { columns, type JsonOption, jsonOption, say, sayJson } from '../output.ts';

/** The settings of a room that a server can do without. */
type FurtherSettings = { names: readonly string[]; read: Reader };

/** Adds the command that prints the settings. */
export function addConfigCommand(program: Command, further: FurtherSettings): void {
  program
    .command('config')
    .description(
      'Print all settings as the server understands them, without secrets: the value, and where it comes from. Also ' +
        'prints the warnings of a server with these settings. Opens no database.',
    )
    .option(...jsonOption)
    .action((options: JsonOption) => {
      const fromEnvFile = loadEnvironmentFile();
      readFromEnvironment((environment) => {
        const misspelled = findMisspellings(environment, further.names).map(({ message }) => message);
        const readers = [readConfig, readLogPolicy, further.read];
        const { settings, problems } = inspectSettings(environment, fromEnvFile, readers);
        const all = [...misspelled, ...problems];
        if (all.length > 0) throw new InvalidSettingsError(all.join('\n'));
        sayConfig(settings, warningsOf(readConfig(environment)), options);
      });
    });
}

/** Returns the sentences that a server with this configuration reports when it starts. */
function warningsOf(config: Config): string[] {
  const warnings: string[] = [];
  warnAboutSettings(config, (notice) => {
    if (notice instanceof OperatorNotice) warnings.push(notice.message);
  });
  return warnings;
}

function sayConfig(settings: Setting[], warnings: string[], { json }: JsonOption): void {
  if (json) {
    sayJson({ settings, warnings });
    return;
  }
  for (const setting of settings) say(lineOf(setting));
  for (const warning of warnings) say(`Warning: ${warning}`);
}

/** The length of the longest name, so that the values stand below each other. */
const nameLength = 30;

function lineOf({ name, value, source, file }: Setting): string {
  const from = source === 'ASSURANCE' ? 'default of ASSURANCE' : source;
  const shown = Array.isArray(value) ? value.join(',') : String(value ?? '');
  return columns(name.padEnd(nameLength), shown || 'not set', file === null ? from : `file ${file}`);
}
