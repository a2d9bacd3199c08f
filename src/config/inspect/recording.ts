/** Records the settings that are read from an environment, so that a report of them forgets none. */

import { isUnambiguous } from '../../database/url.ts';

/** Lists are values too. A duration is a text with its unit. Null means that there is none. */
export type SettingValue = string | number | boolean | null | readonly string[];

export type RecordedSetting = {
  /** The value that the server uses, without credentials. Of a secret: `set`, or its public part. */
  value: SettingValue;
  isSecret: boolean;
  /** The file that `NAME_FILE` names. Null if the value does not come from a file. */
  file: string | null;
  /** Whether `ASSURANCE` chose the default. */
  isAssured: boolean;
};

/** The key of the recording in an environment. Copies of the environment keep it. */
export const recordingKey = Symbol('recording');

/**
 * Words at the end of the name of a secret. A new setting with such a name is masked, also if its reader forgets it.
 */
const secretName = /(?:SECRET|PASSWORD|TOKEN|KEY)S?$|HEADERS$/;

/** Keeps what the readers of `variables.ts` return. Of a secret it keeps only that it is set. */
export class Recording {
  readonly settings = new Map<string, RecordedSetting>();

  /** Notes a value that the server uses. The last one counts. */
  note(name: string, value: SettingValue): void {
    const noted = this.#of(name);
    this.settings.set(name, { ...noted, value: shown(value, noted.isSecret) });
  }

  /** Notes, before it is read, that a setting is a secret. */
  noteSecret(name: string, file: string | null): void {
    this.settings.set(name, { ...this.#of(name), isSecret: true, file, value: null });
  }

  /** Notes the part of a secret that is none, such as the host of a database. */
  notePublicPart(name: string, part: string): void {
    this.settings.set(name, { ...this.#of(name), isSecret: true, value: part });
  }

  /** Notes, before it is read, that `ASSURANCE` chose the default of a setting. */
  noteAssured(name: string): void {
    this.settings.set(name, { ...this.#of(name), isAssured: true });
  }

  #of(name: string): RecordedSetting {
    return this.settings.get(name) ?? { isSecret: secretName.test(name), file: null, isAssured: false, value: null };
  }
}

function shown(value: SettingValue, isSecret: boolean): SettingValue {
  if (value === null || value === '') return null;
  if (isSecret) return Array.isArray(value) && value.length === 0 ? null : 'set';
  if (typeof value === 'string') return withoutCredentials(value);
  return Array.isArray(value) ? value.map((item) => withoutCredentials(item)) : value;
}

/** A URL as people write it on purpose: the host is where they mean it. */
const plainUrl = /^[a-z]+:\/\/(?:[^/?#@]*@)?(?:[\w.-]+|\[[0-9a-f:.]+\])(?::\d+)?(?:\/[^?#:]*(?:\?.*)?)?$/i;

/**
 * Returns a URL without the user, the password and the parameters. Of a URL whose credentials may be in another part,
 * only the scheme is left. Another text stays as it is.
 */
export function withoutCredentials(value: string): string {
  const url = URL.parse(value);
  if (url === null || url.host === '') return value;
  const { protocol, username, password, host, pathname, search } = url;
  if (!plainUrl.test(value) || !isUnambiguous(value)) return `${protocol}…`;
  if (`${username}${password}${search}` === '') return value;
  return `${protocol}//${username || password ? '***@' : ''}${host}${pathname}${search && '?…'}`;
}
