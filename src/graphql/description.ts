/** The description of the schema, in Markdown: the first text that a developer reads in GraphiQL and schema.graphql. */
export const schemaDescription = `
Users and sessions: sign-up, login, logout, and revocation that the next request notices.

**Start.** \`signUp\` creates an account and a session, \`login\` a session. Then \`viewer\` is the user, and
\`currentSession\` the session. \`logout\` and \`revoke\` end sessions.

**Browsers** use \`transport: COOKIE\`. In the session, every mutation needs the header \`anti-csrf\` with the
\`antiCSRFToken\` of the result; after a reload, it is in \`currentSession { antiCSRFToken }\`. **Other clients** use
\`transport: BEARER\`, and send the \`token\` of the result as \`Authorization: Bearer <token>\`. They need no anti-CSRF
token.

**Errors.** A refusal that the caller can act on, such as a wrong password, is data: select
\`... on UserError { code message }\`. Other failures are in \`errors\`, with \`extensions.code\`. An ended session is no
error: \`viewer\` is null.

**IDs** are opaque and unique among all types; \`node(id:)\` returns the object. \`User.id\` never changes: use it as the
key in your own tables. **Pages** are Relay connections: \`first\` and \`after\`, or \`last\` and \`before\`, with at most a
hundred items.

The folder \`docs\` of the package \`graphql-sessions\` has the documentation. Begin with \`docs/api.md\`.
`.trim();
