import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import Mustache from 'mustache';
import { OperatorError } from '../errors.ts';
import { type MailName, mails } from './outbox.ts';

const ownFolder = join(import.meta.dirname, 'templates');

/** The partials of HTML templates: `{{> header}}` and `{{> footer}}`. */
const partialNames = ['header', 'footer'];

export type Rendered = { subject: string; text: string; html: string };

export type Render = (name: MailName, values: Record<string, string>) => Rendered;

/**
 * Reads the templates of all mails. A file in the folder overrides the server's file of the same name.
 *
 * @throws OperatorError that names a file that cannot be read or is not a template.
 */
export async function readTemplates(folder: string | null): Promise<Render> {
  const texts = new Map<string, string>();
  const htmls = new Map<string, string>();
  const partials: Record<string, string> = {};
  for (const name of Object.keys(mails)) {
    texts.set(name, await readTemplate(folder, `${name}.txt`));
    htmls.set(name, await readTemplate(folder, `${name}.html`));
  }
  for (const name of partialNames) partials[name] = await readTemplate(folder, `${name}.html`);
  for (const [name, text] of texts) requireSubject(folder, `${name}.txt`, text);
  return (name, values) => {
    const [first = '', ...lines] = (texts.get(name) ?? '').split('\n');
    const asText = { escape: (value: string) => value };
    const line = Mustache.render(first.slice(subjectPrefix.length), values, undefined, asText);
    // A line break in a value must not begin another header.
    const subject = line.replace(/\s+/g, ' ').trim();
    return {
      subject,
      text: Mustache.render(lines.join('\n').trimStart(), values, undefined, asText),
      html: Mustache.render(htmls.get(name) ?? '', { ...values, subject }, partials),
    };
  };
}

const subjectPrefix = 'Subject:';

function requireSubject(folder: string | null, file: string, text: string): void {
  if (text.startsWith(subjectPrefix)) return;
  throw new OperatorError(`The first line of the template ${file} in ${folder ?? ownFolder} must be "Subject: …".`);
}

async function readTemplate(folder: string | null, file: string): Promise<string> {
  for (const place of folder === null ? [ownFolder] : [folder, ownFolder]) {
    const path = join(place, file);
    try {
      const template = await readFile(path, 'utf8');
      Mustache.parse(template);
      return template;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT') throw new OperatorError(`The template ${path} cannot be used: ${message}.`);
    }
  }
  throw new OperatorError(`The template ${join(ownFolder, file)} is missing.`);
}
