/** What the demo shows and what it does not, in plain words. Says no more than docs/threat-model.md does. */

export const PROTECTED_TODAY = `What was protected here, and from whom
  + Events and features stayed at their node, encrypted under a key per customer. Nodes sent masked sums only.
  + The coordinator opened the sum over all nodes of a round and nothing smaller. That holds against a coordinator that is
    curious but follows the protocol, and that has at most one of the four helpers on its side.
  + Nobody took part without consent, and nobody who withdrew was in a set fixed afterwards; both are in the log, as
    commitments that cannot be matched by guessing.
What is not protected yet
  - A coordinator that lies (two sets in one round, a forged model for one victim, invented participants) is not held off yet.
  - There is no differential privacy yet: the sums and the model itself can reveal something about a person.
  - A node can send any numbers it likes: poisoned updates are not detected.
  - Here one operator, you, ran every party on one machine. That shows the software at work; it protects nothing from you.
`;
