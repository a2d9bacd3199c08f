/** The headers of a request, whatever holds them. Names are in lower case; a header that is not there is null. */
export type HeaderReader = { get(name: string): string | null };
