/** The protocol's name and version: the prefix of every signed message, so that no signature made here means anything elsewhere. */
export const PROTOCOL = 'twinkeep/1';

/** Salt of every mask key derivation (HKDF-SHA-256). A change of any byte format below this line changes it. */
export const MASK_SALT = 'flsa/v1';
