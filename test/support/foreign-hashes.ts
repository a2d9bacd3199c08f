/** Hashes of the tests' password by other systems, by their maker. The salts and costs are typical of them. */
export const foreignHashes = {
  'argon2id of argon2-cffi':
    '$argon2id$v=19$m=65536,t=3,p=4$j/KPeyFMI4mr+KmgSfrIKw$6fOgoPUkoJrHStzzD9icaGa2241IY6crUzPgPZ/SSyU',
  'argon2id of less than the policy':
    '$argon2id$v=19$m=8192,t=1,p=1$dx3xatxYZ6z+LXO+lVdmEg$fOQ4RXR/vj1UPlPqPt2Xf4FXNBLE5xX6D/4xn+JWjTE',
  'argon2i of argon2-cffi':
    '$argon2i$v=19$m=4096,t=3,p=1$xxeuVgmU3e3MgbTndzHqdQ$lw0vlv9eJ7kHiVZ6veZ30WbQ4EdswHqOxhcqAkYMvLI',
  'bcrypt $2a$': '$2a$06$7j1eznJ4LEtsAqsfrrFM5eVW3SdkqgFwZUwQXF9rssOOCaqIXJIAS',
  'bcrypt $2b$': '$2b$06$NcajGG657dix375n4HWLfefcWuXaFPgRy3D0.5bRCUF57SNWHA18y',
  'bcrypt $2y$': '$2y$06$NcajGG657dix375n4HWLfefcWuXaFPgRy3D0.5bRCUF57SNWHA18y',
  'scrypt of passlib': '$scrypt$ln=14,r=8,p=1$snbO+d/bm9PaO6f0fo8xJg$2MdnQDdHvRcKGYfQlGN4SR4fGPNn6vU7VwV7rBpHnQM',
  'pbkdf2-sha256 of passlib': '$pbkdf2-sha256$29000$x7g35nxvTclZKyWkNAZAiA$ZhjJRyEcpx2TLGoVdkbsnhdogGQP80HAzRXs36FjRls',
  'pbkdf2-sha512 of passlib':
    '$pbkdf2-sha512$25000$4bzXGqOUkvI.x5gTwpgTwg$DAWAl/EMaK1RZMInrlysikXsUgeTPHRTHxzq4klFV5Do5/HgfVRxLB8KICJYao9EYOKSGNfdN8QdigQXAHISGg',
  'pbkdf2-sha256 in PHC string format':
    '$pbkdf2-sha256$i=29000,l=32$x7g35nxvTclZKyWkNAZAiA$ZhjJRyEcpx2TLGoVdkbsnhdogGQP80HAzRXs36FjRls',
  'pbkdf2_sha256 of Django': 'pbkdf2_sha256$30000$uGrHRI1fJ5yxAmqbdvYCsX$nRneQqKnMz8QrUPtCybwxJIu0fdmFI+pzLDu9z5VwQQ=',
  'argon2id of Blitz.js':
    'JGFyZ29uMmlkJHY9MTkkbT02NTUzNix0PTIscD0xJGQ2ZmZ0WHdUOHZEaytYdkllQ0tFVUEkMU5ndERnRXNiazY5QW5DVFJJSG1pbGwzVlFyZjU4R3c0c29seW5wR05sMAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=',
};
