-- CreateTable
CREATE TABLE "SigningKey" (
    "kid" TEXT NOT NULL PRIMARY KEY,
    "createdAt" DATETIME NOT NULL,
    "signsFrom" DATETIME NOT NULL,
    "encryptedJwk" TEXT NOT NULL
);
