/** A tab of GraphiQL. Variables and headers are JSON texts, in which a placeholder tells what to paste. */
export type Example = { query: string; variables?: string; headers?: string };
