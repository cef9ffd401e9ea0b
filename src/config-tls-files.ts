// Certificates with their keys, and trusted roots, from their files; each problem told with its place in the configuration.
import { readFileSync } from 'node:fs';
import type { Config } from './config.ts';
import { type CertificateFiles, certificatesOf } from './config-tls.ts';
import { type Certificate, readCertificate, rootsProblem } from './runtime/certificate.ts';
import { messageOf } from './runtime/errors.ts';
import { fail, ok, type Result } from './runtime/result.ts';

export interface LoadedTls {
  /** In the order of `certificatesOf`. */
  readonly certificates: readonly { readonly files: CertificateFiles; readonly certificate: Certificate }[];
  /** PEM; undefined: whom the system trusts. */
  readonly ca: string | undefined;
}

const readText = (key: string, path: string): Result<string> => {
  try {
    return ok(readFileSync(path, 'utf8'));
  } catch (error) {
    return fail(`${key}: cannot read ${path}: ${messageOf(error)}`);
  }
};

export const loadCertificate = (files: CertificateFiles): Result<Certificate> => {
  const cert = readText(`${files.path}.certFile`, files.certFile);
  if (!cert.ok) return cert;
  const key = readText(`${files.path}.keyFile`, files.keyFile);
  if (!key.ok) return key;
  const read = readCertificate(cert.value, key.value);
  return read.ok ? read : fail(`${files.path}: ${read.error}: ${files.certFile}, ${files.keyFile}`);
};

export const loadRoots = (caFile: string): Result<string | undefined> => {
  if (caFile === '') return ok(undefined);
  const text = readText('sip.tls.caFile', caFile);
  if (!text.ok) return text;
  const problem = rootsProblem(text.value);
  return problem === undefined ? text : fail(`sip.tls.caFile: ${caFile}: ${problem}`);
};

export const loadTls = (config: Config): Result<LoadedTls, readonly string[]> => {
  const problems: string[] = [];
  const certificates = certificatesOf(config).flatMap((files) => {
    const certificate = loadCertificate(files);
    if (certificate.ok) return [{ files, certificate: certificate.value }];
    problems.push(certificate.error);
    return [];
  });
  const roots = loadRoots(config.sip.tls.caFile);
  if (!roots.ok) problems.push(roots.error);
  return roots.ok && problems.length === 0 ? ok({ certificates, ca: roots.value }) : fail(problems);
};
