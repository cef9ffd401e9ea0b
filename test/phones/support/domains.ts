// A domain's own files: the key that signs for it and its users, as Apache's htdigest would write them.
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateKeyPem } from '../../../src/record/identity.ts';
import { createAuthority } from '../../support/certificates.ts';

export interface Domain {
  readonly name: string;
  /** Where its registrar listens. */
  readonly address: string;
  readonly keyFile: string;
  readonly usersFile: string;
  /** base64 */
  readonly publicKey: string;
  /** What its servers show over TLS, and who vouches for it. */
  readonly tls: { readonly certFile: string; readonly keyFile: string; readonly caFile: string };
  /** Certificate and key in one file, for a phone that listens over TLS itself. */
  readonly phoneCertFile: string;
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
  const tls = writeCertificates(folder, name);
  return { name, address, keyFile, usersFile, publicKey: Buffer.from(publicKey).toString('base64'), ...tls };
}

const authority = createAuthority();

function writeCertificates(folder: string, name: string): Pick<Domain, 'tls' | 'phoneCertFile'> {
  const { certPem, keyPem } = authority.issue({
    commonName: name,
    names: [`DNS:${name}`, `DNS:sip.${name}`],
  });
  const write = (ending: string, text: string): string => {
    const file = join(folder, `${name}.${ending}`);
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  };
  return {
    tls: {
      certFile: write('cert.pem', certPem),
      keyFile: write('cert.key', keyPem),
      caFile: write('ca.pem', authority.certPem),
    },
    phoneCertFile: write('phone.pem', certPem + keyPem),
  };
}
