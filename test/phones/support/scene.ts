// What most phone tests need: domains in DNS, each with its registrar, in one ring; all of it gone at the end.
import { onTestFinished } from 'vitest';
import { type Domain, makeDomain, passwordOf } from './domains.ts';
import { serveNames } from './names.ts';
import { Place } from './place.ts';
import { type Registrar, type RegistrarOptions, startRing } from './registrar.ts';

const ADDRESSES = { atlanta: '10.1.0.10', biloxi: '10.1.0.20', chicago: '10.1.0.30' } as const;
type City = keyof typeof ADDRESSES;

export interface Account {
  readonly user: string;
  readonly domain: string;
  readonly password: string;
  /** Over TLS: what it shows where it listens, and whom it believes. */
  readonly certFile: string;
  readonly caFile: string;
}

export interface Scene {
  readonly place: Place;
  readonly atlanta: Registrar;
  readonly biloxi: Registrar;
  readonly chicago: Registrar;
  close(): Promise<void>;
}

/** `users` of each domain; the domains are atlanta.example, biloxi.example and chicago.example. */
export async function openScene(
  users: Readonly<Record<City, readonly string[]>>,
  config: RegistrarOptions['config'] = {},
): Promise<Scene> {
  const place = await Place.open();
  try {
    const domain = (city: City): Domain =>
      makeDomain(place.folder, { name: `${city}.example`, address: ADDRESSES[city], users: users[city] });
    const domains = [domain('atlanta'), domain('biloxi'), domain('chicago')];
    await serveNames(place, domains);
    const [atlanta, biloxi, chicago] = await startRing(place, domains, config);
    if (atlanta === undefined || biloxi === undefined || chicago === undefined) throw new Error('no ring');
    return { place, atlanta, biloxi, chicago, close: () => place.close() };
  } catch (error) {
    await place.close();
    throw error;
  }
}

export const account = (user: string, { domain }: Registrar): Account => ({
  user,
  domain: domain.name,
  password: passwordOf(user),
  certFile: domain.phoneCertFile,
  caFile: domain.tls.caFile,
});

/** Starts a phone that ends with the test; concurrent tests hand in their own `onTestFinished`. */
export async function started<Phone extends { start(): Promise<void>; stop(): Promise<void> }>(
  phone: Phone,
  finished: (end: () => Promise<void>) => void = onTestFinished,
): Promise<Phone> {
  finished(() => phone.stop());
  await phone.start();
  return phone;
}
