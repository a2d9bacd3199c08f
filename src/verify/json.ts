/** A value of JSON. */
export type Json = string | number | boolean | null | Json[] | JsonObject;

export type JsonObject = { [key: string]: Json };

/** Parses a JSON object. Returns null for every other text. */
export function parseObject(text: string): JsonObject | null {
  try {
    // Everything that JSON.parse returns is a value of JSON.
    const value = JSON.parse(text) as Json;
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
