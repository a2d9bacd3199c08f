import type { Example } from './examples.ts';

/** The history of the account, its password, and the end of sessions. */
export const accountExamples: Example[] = [
  {
    query: `# List the history of the account: logins,
# failures, changes.
query History {
  viewer {
    auditEvents(first: 20) {
      nodes {
        createdAt
        type
        ipAddress
        userAgent
        sessionHandle
        detail
      }
    }
  }
}
`,
  },
  {
    query: `# Ask for a link to set a new password. If no
# mail server is set, see data/mail for it.
mutation AskForReset {
  requestPasswordReset(
    email: "ada@example.com"
  ) { email }
}
`,
  },
  {
    query: `# Reset the password: paste the token of the
# mailed link into Variables below.
mutation Reset($token: String!) {
  resetPassword(
    token: $token
    newPassword: "another horse, new staple"
  ) {
    ... on SignInPayload {
      viewer { email emailVerifiedAt }
    }
    ... on UserError { code message }
  }
}
`,
    variables: '{ "token": "paste the token of the mail" }',
  },
  {
    query: `# End one session, such as that of GetToken:
# paste its id from Me into Variables below.
mutation Revoke($id: ID!) {
  revoke(id: $id) {
    ... on RevokePayload {
      revokedSessionId
      session { id state }
      viewer { sessions { id } }
    }
    ... on UserError { code message }
  }
}
`,
    variables: '{ "id": "paste the id of a session" }',
  },
  {
    query: `# End all sessions except that of this page.
mutation RevokeOthers {
  revokeOthers {
    revokedSessionIds
    viewer { sessions { id } }
  }
}
`,
  },
  {
    query: `# End all sessions, also that of this page.
mutation RevokeAll {
  revokeAll { revokedSessionIds }
}
`,
  },
  {
    query: `# End the session of this page.
mutation LogOut {
  logout { revokedSessionId }
}
`,
  },
];
