import { readdirSync } from 'node:fs';
import { join } from 'node:path';

export type CodeBlock = {
  language: string;
  code: string;
  /** The file that a comment before the block names: `<!-- file: PATH -->`. Null without one. */
  source: string | null;
  /** The text of its section before it. */
  before: string;
};

/** Returns the code blocks of a page, also indented ones. */
export function codeBlocksOf(page: string): CodeBlock[] {
  return page.split(/^## /m).flatMap((section) => {
    const blocks = section.matchAll(/(?:^<!-- file: (\S+) -->\n+)?^( *)```(\w*)\n(.*?)^\2```$/gms);
    return [...blocks].map(({ index, 1: source = null, 3: language = '', 4: code = '' }) => ({
      language,
      code,
      source,
      before: section.slice(0, index),
    }));
  });
}

/** Returns the paths of all files in a folder and its subfolders. */
export function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
