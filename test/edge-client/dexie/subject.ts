/** A pseudonym that looks like nothing else, to be looked for. */
export const SUBJECT = 'cH7q_Zr0aYxKpL2mWd9TgA';
