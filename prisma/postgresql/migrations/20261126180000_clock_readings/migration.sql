-- CreateTable
CREATE TABLE "ClockReading" (
    "name" TEXT NOT NULL,
    "at" TIMESTAMP(3) NOT NULL,

    CONSTRAINT "ClockReading_pkey" PRIMARY KEY ("name")
);
