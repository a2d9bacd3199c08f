import { type Environment, flag, list } from '../variables.ts';

/** The rules for usernames. */
export type UsernamePolicy = {
  /** True if users may have usernames, and may log in with them. */
  isEnabled: boolean;
  /** Names that no user may choose, beside those of `users/username.ts`. In any case. */
  reserved: readonly string[];
};

/** Reads the rules for usernames. @throws SettingError */
export function readUsernamePolicy(environment: Environment): UsernamePolicy {
  return {
    isEnabled: flag(environment, 'USERNAMES', false),
    reserved: list(environment, 'RESERVED_USERNAMES'),
  };
}
