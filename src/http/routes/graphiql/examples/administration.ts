import type { Example } from './example.ts';

const admin = `# Run LogIn first. In a terminal, make Ada an
# administrator:
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
# Create a second user. A mail to them has the
# link to choose a password.
mutation CreateUser {
  createUser(
    email: "grace@example.com"
    name: "Grace"
  ) {
    ... on UserPayload {
      user { id email role }
    }
    ... on UserError { code message }
  }
}
`,
  },
  {
    query: `${admin}#
# Give a user another role: click Variables
# below, and paste the user id of CreateUser.
mutation SetRole($id: ID!) {
  setUserRole(id: $id, role: "admin") {
    ... on UserPayload { user { email role } }
    ... on UserError { code message }
  }
}
`,
    variables: '{ "id": "paste the user id of CreateUser" }',
  },
  {
    query: `${admin}#
# Suspend a user: click Variables below, and
# paste the user id of CreateUser. It ends all
# sessions, and no login succeeds. The server
# keeps the last administrator. reinstateUser
# undoes it.
mutation Suspend($id: ID!) {
  suspendUser(id: $id) {
    ... on UserPayload {
      user { email suspendedAt }
    }
    ... on UserError { code message }
  }
}
`,
    variables: '{ "id": "paste the user id of CreateUser" }',
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
