import { CriticalityLevel, diff } from '@graphql-inspector/core';
import { buildSchema } from 'graphql';

/** A bullet such as: - **Breaking in the schema:** `Query.user(id:)`, `Session.ip`: use … */
const listing = /^- \*\*Breaking in the schema:\*\* ((?:`[^`]+`,? ?)+)/gm;

/** Returns the part of a changelog that describes what is not released yet. */
function unreleasedPart(changelog: string): string {
  return /^## Unreleased\n(.*?)(?=^## |$(?![\s\S]))/ms.exec(changelog)?.[1] ?? '';
}

/** Returns the newest released version in a changelog. */
export function releasedVersion(changelog: string): string | undefined {
  return /^## (\d\S*) \(/m.exec(changelog)?.[1];
}

/**
 * Returns the names of breaking changes between two schemas, such as `Query.user` or `Query.user(id:)`, and of those
 * that the changelog lists.
 */
export async function breakingChanges(released: string, current: string, changelog: string) {
  const changes = await diff(buildSchema(released), buildSchema(current));
  const breaking = changes.filter(({ criticality }) => criticality.level === CriticalityLevel.Breaking);
  const bullets = unreleasedPart(changelog).replaceAll(/\n +/g, ' ');
  const listed = [...bullets.matchAll(listing)].flatMap(([, names = '']) => names.match(/[^`, ]+/g) ?? []);
  const made = breaking.map(({ path, message }) => path?.replace(/^(\w+\.\w+)\.(\w+)$/, '$1($2:)') ?? message);
  return { made: [...new Set(made)].sort(), listed: listed.sort() };
}
