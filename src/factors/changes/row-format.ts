/** The stored form of rows: JSON that also holds times and ids. */

/** The values that JSON does not have: objects with one member, which has the name of their type. */
const types = {
  $time: { write: (value: Date) => value.toISOString(), read: (text: string) => new Date(text) },
  $id: { write: (value: bigint) => String(value), read: (text: string) => BigInt(text) },
};

/** Returns the stored form of a value. */
export function formatRows(value: object): string {
  return JSON.stringify(encode(value));
}

function encode(value: unknown): unknown {
  if (value instanceof Date) return { $time: types.$time.write(value) };
  if (typeof value === 'bigint') return { $id: types.$id.write(value) };
  if (Array.isArray(value)) return value.map(encode);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, encode(member)]));
}

/** Returns the value of a stored form. */
export function parseRows<T>(stored: string): T {
  return JSON.parse(stored, (_name, value) => {
    const [[type, text] = ['', null], ...others] = Object.entries(value ?? {});
    if (typeof text !== 'string' || others.length > 0 || !Object.hasOwn(types, type)) return value;
    return types[type as keyof typeof types].read(text);
  });
}
