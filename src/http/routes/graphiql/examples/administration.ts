import type { Example } from './examples.ts';

const admin = `# For administrators. In a terminal, make
# Ada one:
#   npx graphql-sessions user set-role \\
#     ada@example.com admin
`;

/** Operations of administrators. */
export const administrationExamples: Example[] = [
  {
    query: `${admin}#
# List all users, newest first.
query Users {
  users(first: 20) {
    totalCount
    nodes { id email name role suspendedAt }
  }
}
`,
  },
  {
    query: `${admin}#
# Find one user, with their devices. By a part
# of address or name: users(search: "ada").
query FindUser {
  user(by: { email: "ada@example.com" }) {
    id
    email
    sessions { id clientName lastSeenAt }
  }
}
`,
  },
  {
    query: `${admin}#
# Suspend a user: all sessions end, and no
# login succeeds. reinstateUser undoes it.
mutation Suspend($id: ID!) {
  suspendUser(id: $id) {
    ... on UserPayload {
      user { email suspendedAt }
    }
    ... on UserError { code message }
  }
}
`,
    variables: '{ "id": "paste the id of a user" }',
  },
  {
    query: `${admin}#
# Give a user another role.
mutation SetRole($id: ID!) {
  setUserRole(id: $id, role: "admin") {
    ... on UserPayload { user { email role } }
    ... on UserError { code message }
  }
}
`,
    variables: '{ "id": "paste the id of a user" }',
  },
  {
    query: `${admin}#
# List the events of all accounts.
query AuditEvents {
  auditEvents(first: 20) {
    nodes {
      createdAt
      type
      ipAddress
      detail
      user { email }
    }
  }
}
`,
  },
];
