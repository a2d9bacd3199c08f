import { type LogFormat, type LogLevel, logLevels } from '../../log/log.ts';
import { choice, type Environment } from '../variables.ts';

export type LogPolicy = {
  /** The least important lines that are written. */
  level: LogLevel;
  /** The form of lines. `auto` is text if a terminal shows them, and JSON for programs. */
  format: LogFormat | 'auto';
};

/** Reads `LOG_LEVEL` and `LOG_FORMAT`. @throws SettingError for another value. */
export function readLogPolicy(environment: Environment): LogPolicy {
  return {
    level: choice(environment, 'LOG_LEVEL', [...logLevels]),
    format: choice(environment, 'LOG_FORMAT', ['auto', 'json', 'text']),
  };
}
