import { OperatorError, SettingError } from '../../errors.ts';
import { type Environment, read } from '../variables.ts';
import { type RecordedSetting, Recording, recordingKey } from './recording.ts';

/** A setting as the server understands it. */
export type Setting = Omit<RecordedSetting, 'isAssured'> & {
  name: string;
  /** The origin of the value. `ASSURANCE` is the setting that chose the default. */
  source: 'environment' | '.env' | 'file' | 'default' | 'ASSURANCE';
};

export type Inspection = {
  /** All settings that were read, by name. Incomplete if there are problems. */
  settings: Setting[];
  /** One sentence for each invalid setting. A setting that is invalid only beside an invalid one is not among them. */
  problems: string[];
};

/** Reads settings from the environment. */
export type Reader = (environment: Environment) => unknown;

/**
 * Returns the settings that readers read, without secrets, and the problems of all of them.
 *
 * @param fromEnvFile - the names of the variables that come from the file `.env`
 */
export function inspectSettings(
  environment: Environment,
  fromEnvFile: ReadonlySet<string>,
  readers: readonly Reader[],
): Inspection {
  const recording = new Recording();
  const problems = readers.flatMap((reader) => problemsOf(reader, { ...environment, [recordingKey]: recording }));
  const sourceOf = (name: string, { file, isAssured }: RecordedSetting) => {
    if (file !== null) return 'file';
    if (read(environment, name) === undefined) return isAssured ? 'ASSURANCE' : 'default';
    return fromEnvFile.has(name) ? '.env' : 'environment';
  };
  const settings = [...recording.settings]
    .map(([name, setting]): Setting => {
      const { value, file, isSecret } = setting;
      return { name, value, source: sourceOf(name, setting), file, isSecret };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return { settings, problems: problems.map((problem) => describe(problem, environment, fromEnvFile)) };
}

/** Returns the sentence of a problem, and where the value comes from if that is not the environment itself. */
function describe(problem: OperatorError, environment: Environment, fromEnvFile: ReadonlySet<string>): string {
  if (!(problem instanceof SettingError)) return problem.message;
  const { setting, message } = problem;
  const file = read(environment, `${setting}_FILE`);
  if (file !== undefined) return message.includes(file) ? message : `${message} The value comes from ${file}.`;
  return fromEnvFile.has(setting) ? `${message} The value comes from .env.` : message;
}

/** Runs a reader until nothing is refused any more, each time without the settings that were refused before. */
function problemsOf(reader: Reader, environment: Record<string, string | undefined>): OperatorError[] {
  const problems: OperatorError[] = [];
  const refused = new Set<string>();
  for (;;) {
    try {
      reader(environment);
      return problems;
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error;
      const { setting, because } = error instanceof SettingError ? error : { setting: null, because: null };
      // Its default is refused too, so nothing more is to be learned.
      if (setting !== null && refused.has(setting)) return problems;
      if (because === null || !refused.has(because)) problems.push(error);
      if (setting === null) return problems;
      refused.add(setting);
      delete environment[setting];
      delete environment[`${setting}_FILE`];
    }
  }
}
