import type { Example } from './example.ts';

/** The end of other sessions, the history of the account, its password, and the end of all its sessions. */
export const accountExamples: Example[] = [
  {
    query: `# End the session of GetToken: click Variables
# below, and paste the id of that session. Run
# UseToken again: its token has no effect now.
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
    variables: '{ "id": "paste the session id of GetToken" }',
  },
  {
    query: `# End all sessions except that of this page.
# Run GetToken again first, to have one.
mutation RevokeOthers {
  revokeOthers {
    revokedSessionIds
    viewer { sessions { id } }
  }
}
`,
  },
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
# mail server is set, the newest file in the
# folder data/mail has it.
mutation AskForReset {
  requestPasswordReset(
    email: "ada@example.com"
  ) { email }
}
`,
  },
  {
    query: `# Reset the password: click Variables below,
# and paste the token of the mailed link: all
# that follows "#token=". All sessions
# end, and this page gets a new one.
mutation Reset($token: String!) {
  resetPassword(
    token: $token
    newPassword:
      "correct horse battery staple"
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
    query: `# End all sessions, also that of this page.
mutation RevokeAll {
  revokeAll { revokedSessionIds }
}
`,
  },
  {
    query: `# Run LogIn first: RevokeAll signed this page
# out. Then end the session of this page.
mutation LogOut {
  logout { revokedSessionId }
}
`,
  },
];
