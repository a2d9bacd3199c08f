-- CreateTable
CREATE TABLE "SigningKey" (
    "kid" TEXT NOT NULL,
    "createdAt" TIMESTAMP(3) NOT NULL,
    "signsFrom" TIMESTAMP(3) NOT NULL,
    "encryptedJwk" TEXT NOT NULL,

    CONSTRAINT "SigningKey_pkey" PRIMARY KEY ("kid")
);
