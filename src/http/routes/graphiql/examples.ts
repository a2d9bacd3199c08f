/** The operations in GraphiQL's tabs: the whole life of a session, in the order in which newcomers try them. */
export const exampleOperations = [
  `# Store data before the visitor signs in. This starts an
# anonymous session. After sign-up, the new session keeps it.
mutation Visit {
  setPublicData(data: { cart: ["tea", "milk"] }) {
    ... on SessionDataPayload {
      session { id publicData user { id } }
    }
    ... on UserError { code message }
  }
}
`,
  `# Create an account. The response sets the session cookie.
# This page sends the anti-CSRF token automatically.
mutation SignUp {
  signUp(
    email: "ada@example.com"
    password: "correct horse battery staple"
    name: "Ada"
  ) {
    ... on SignInPayload {
      viewer { id email name role }
      session { id expiresAt publicData }
    }
    ... on UserError { code message }
  }
}
`,
  `# List the signed-in user and their sessions.
query Me {
  viewer {
    id
    email
    sessions { id clientName ipAddress lastSeenAt expiresAt isCurrent }
  }
  currentSession { id expiresAt user { email } }
}
`,
  `# Sign in with a new session. The session of this page ends.
# With transport: BEARER, the response contains a token.
# Put it into Headers below:
#   { "authorization": "Bearer <token>" }
mutation LogIn {
  login(
    email: "ada@example.com"
    password: "correct horse battery staple"
    transport: COOKIE
  ) {
    ... on SignInPayload {
      viewer { email }
      session { id handle }
      token
    }
    ... on UserError { code message }
  }
}
`,
  `# List the history of the account: logins, failures, changes.
query History {
  viewer {
    auditEvents(first: 20) {
      nodes { createdAt type ipAddress userAgent sessionHandle detail }
    }
  }
}
`,
  `# Reset a forgotten password by a mailed link. Without a mail
# server, the mail is a file in data/mail.
mutation AskForReset {
  requestPasswordReset(email: "ada@example.com") { email }
}

mutation Reset($token: String!) {
  resetPassword(
    token: $token
    newPassword: "another horse, another staple"
  ) {
    ... on SignInPayload { viewer { email emailVerifiedAt } }
    ... on UserError { code message }
  }
}
`,
  `# End one session. Copy its id from the list in the tab Me
# into Variables below.
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
  `# End all sessions except the one of this page.
mutation RevokeOthers {
  revokeOthers { revokedSessionIds viewer { sessions { id } } }
}
`,
  `# End all sessions, including the one of this page.
mutation RevokeAll {
  revokeAll { revokedSessionIds }
}
`,
  `# End the session of this page.
mutation LogOut {
  logout { revokedSessionId }
}
`,
];
