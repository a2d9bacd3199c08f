/** The operations in GraphiQL's tabs: a session's whole life, in the order in which a newcomer tries them. */
export const exampleOperations = [
  `# Before anybody signs in: keep a visitor's data. It starts
# an anonymous session, and goes on in that of the user.
mutation Visit {
  setPublicData(data: { cart: ["tea", "milk"] }) {
    ... on SessionDataPayload {
      session { id publicData user { id } }
    }
    ... on UserError { code message }
  }
}
`,
  `# Make an account. The answer sets the session cookie.
# This page sends the anti-CSRF token along by itself.
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
  `# Who is signed in, and on which devices?
query Me {
  viewer {
    id
    email
    sessions { id clientName ipAddress lastSeenAt expiresAt isCurrent }
  }
  currentSession { id expiresAt user { email } }
}
`,
  `# Sign in: a new session; that of this page ends.
# With transport: BEARER the answer holds a token.
# It goes into Headers below:
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
  `# What happened to the account: logins, failures, changes.
query History {
  viewer {
    auditEvents(first: 20) {
      nodes { createdAt type ipAddress userAgent sessionHandle detail }
    }
  }
}
`,
  `# Forgot the password? The link is in the mail: as long as
# there is no mail server, a file in data/mail.
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
  `# End one session. Its id comes from the list in the tab Me,
# and goes into Variables below.
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
  `# End all sessions but that of this page.
mutation RevokeOthers {
  revokeOthers { revokedSessionIds viewer { sessions { id } } }
}
`,
  `# End all sessions, that of this page included.
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
