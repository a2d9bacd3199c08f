/**
 * Returns the parts of a check with these names, or all parts without names. For a name that no part has, it ends the
 * process with a sentence.
 *
 * @param kind - names one part in that sentence, such as `client`
 */
export function chooseParts<Part extends { name: string }>(kind: string, all: Part[], names: string[]): Part[] {
  const unknown = names.filter((name) => !all.some((part) => part.name === name));
  if (unknown.length > 0) {
    console.error(`There is no ${kind} ${unknown.join(', ')}. There are: ${all.map(({ name }) => name).join(', ')}.`);
    process.exit(1);
  }
  return all.filter(({ name }) => names.length === 0 || names.includes(name));
}
