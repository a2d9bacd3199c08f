-- CreateTable
CREATE TABLE "SigningKey" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "createdAt" DATETIME NOT NULL,
    "signsFrom" DATETIME NOT NULL,
    "encryptedJwk" TEXT NOT NULL
);
