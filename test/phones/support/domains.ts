// A domain's own files: the key that signs for it and its users, as Apache's htdigest would write them.
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateKeyPem } from '../../../src/record/identity.ts';

export interface Domain {
  readonly name: string;
  /** Where its registrar listens. */
  readonly address: string;
  readonly keyFile: string;
  readonly usersFile: string;
  /** base64 */
  readonly publicKey: string;
}

export const passwordOf = (user: string): string => `secret-of-${user}`;

/** Writes a domain's key and user files. */
export function makeDomain(
  folder: string,
  { name, address, users }: { name: string; address: string; users: readonly string[] },
): Domain {
  const { pem, publicKey } = generateKeyPem();
  const keyFile = join(folder, `${name}.pem`);
  const usersFile = join(folder, `${name}.users`);
  writeFileSync(keyFile, pem, { mode: 0o600 });
  const ha1 = (user: string): string =>
    createHash('md5')
      .update(`${user}:${name}:${passwordOf(user)}`)
      .digest('hex');
  writeFileSync(usersFile, users.map((user) => `${user}:${name}:${ha1(user)}\n`).join(''));
  return { name, address, keyFile, usersFile, publicKey: Buffer.from(publicKey).toString('base64') };
}
