/** The headers of a request, in any representation. Names are in lower case. A missing header is null. */
export type HeaderReader = { get(name: string): string | null };
