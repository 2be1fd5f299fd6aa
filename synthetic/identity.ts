/**
 * Who a simulated customer would be: names and addresses that look right and reach nobody (mail domains of RFC 2606,
 * telephone numbers that the North American plan keeps for fiction). Identity stays beside the events, never inside them.
 * Bytes are the same for the same version of faker, whose word lists change between releases; nothing else depends on them.
 */
import { base, en, Faker } from '@faker-js/faker';
import type { RandomSource } from './prng.ts';

export interface Identity {
  name: string;
  email: string;
  phone: string;
  /** One line. */
  address: string;
}

/** `referenceTime` pins faker's idea of now. */
export function createIdentities(
  random: RandomSource,
  referenceTime: string,
): (customer: number) => Identity {
  const faker = new Faker({ locale: [en, base] });
  return (customer) => {
    // Faker's values depend on the order of its calls, so every customer starts from a seed of their own.
    faker.seed(random.stream(customer, 'identity').uint32());
    faker.setDefaultRefDate(referenceTime);
    const firstName = faker.person.firstName();
    const lastName = faker.person.lastName();
    const { location } = faker;
    return {
      name: `${firstName} ${lastName}`,
      email: faker.internet.exampleEmail({ firstName, lastName }),
      phone: faker.helpers.fromRegExp('+1[2-9][0-9]{2}55501[0-9]{2}'),
      address: `${location.streetAddress()}, ${location.zipCode()} ${location.city()}`,
    };
  };
}
