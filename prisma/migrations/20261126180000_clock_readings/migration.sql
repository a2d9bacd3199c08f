-- CreateTable
CREATE TABLE "ClockReading" (
    "name" TEXT NOT NULL PRIMARY KEY,
    "at" DATETIME NOT NULL
);
