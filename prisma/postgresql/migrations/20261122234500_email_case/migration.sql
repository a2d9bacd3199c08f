-- Users who came from elsewhere may have addresses in upper case. Prisma does not know indexes on expressions: a later
-- migration that rebuilds "User" has to make this one again.
CREATE INDEX "User_email_lower_idx" ON "User"(lower("email"));
