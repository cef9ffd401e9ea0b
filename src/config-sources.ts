// Where configuration comes from: flags over environment over file over defaults, merged before it is validated.
import { dirname, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { type Config, type ConfigReading, configOf, readTree } from './config.ts';
import { DOMAIN_FILE_KEYS } from './config-domains.ts';
import { CONFIG_KEYS } from './config-keys.ts';
import { messageOf } from './runtime/errors.ts';
import type { Result } from './runtime/result.ts';

type Tree = { [key: string]: unknown };

const envName = (path: readonly string[]): string =>
  `CHORDIAL_${path.map((part) => part.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()).join('__')}`;

// Kubernetes injects CHORDIAL_SERVICE_* and CHORDIAL_PORT* for a service of that name.
const INJECTED = /^CHORDIAL_(SERVICE_|PORT)/;
/** Names the file; not a configuration key. */
export const CONFIG_FILE_VARIABLE = 'CHORDIAL_CONFIG';

const setAt = (tree: Tree, path: readonly string[], value: unknown): void => {
  const [head = '', ...rest] = path;
  if (rest.length === 0) {
    tree[head] = value;
    return;
  }
  const inner = tree[head];
  const next: Tree = typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? { ...inner } : {};
  tree[head] = next;
  setAt(next, rest, value);
};

/** A value given as text, by the kind of the key; text that does not fit stays text for the schema to refuse. */
function fromText(text: string, kind: (typeof CONFIG_KEYS)[number]['kind']): unknown {
  switch (kind) {
    // Not Number(): it makes 0 of an empty string.
    case 'number':
      return /^\d+$/.test(text) ? Number(text) : text;
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text;
    case 'list':
      if (text.trimStart().startsWith('[') && !/^\[[0-9a-fA-F:.]+\]:/.test(text)) {
        try {
          return JSON.parse(text);
        } catch {
          return text; // refused by the schema: it must be a list
        }
      }
      return text === '' ? [] : text.split(',').map((item) => item.trim());
    case 'text':
      return text;
  }
}

const FILE_KEYS = [
  ['sip', 'tls', 'certFile'],
  ['sip', 'tls', 'keyFile'],
  ['sip', 'tls', 'caFile'],
  ['sip', 'auth', 'usersFile'],
  ['sip', 'auth', 'secretFile'],
  ['identity', 'keyFile'],
  ['trust', 'file'],
  ['admin', 'tokenFile'],
];

/** Relative paths of the file are relative to the file, wherever the process was started. */
function anchorPaths(tree: Tree, folder: string): void {
  const anchor = (owner: unknown, path: readonly string[]): void => {
    const [head = '', ...rest] = path;
    if (typeof owner !== 'object' || owner === null) return;
    const record = owner as Tree; // any object can be read by key; values are checked below
    const value = record[head];
    if (rest.length > 0) anchor(value, rest);
    else if (typeof value === 'string' && value !== '') record[head] = resolve(folder, value);
  };
  for (const path of FILE_KEYS) anchor(tree, path);
  const { domains } = tree;
  if (typeof domains !== 'object' || domains === null) return;
  for (const own of Object.values(domains)) for (const path of DOMAIN_FILE_KEYS) anchor(own, path);
}

export interface ConfigSources {
  /** Path and text of the YAML file, if there is one. */
  readonly file?: { readonly path: string; readonly text: string };
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Flags by dotted path, as text. */
  readonly flags: Readonly<Record<string, string>>;
}

/** What the text says; an empty object, and the problems noted, if it can't be read. */
function readYaml(file: { readonly path: string; readonly text: string }, problems: string[]): unknown {
  const note = (message: string): void => void problems.push(`${file.path}: ${message.split('\n')[0]}`);
  // Its own warnings would go to the terminal past us; what they warn of is an unknown key in the end.
  const document = parseDocument(file.text, { uniqueKeys: true, logLevel: 'error' });
  for (const { message } of document.errors) note(message);
  if (document.errors.length > 0) return {};
  try {
    return document.toJS({ maxAliasCount: 50 });
  } catch (error) {
    // An alias without its anchor, or aliases of aliases that would fill the memory.
    note(messageOf(error));
    return {};
  }
}

/** Merges and validates; every problem of every source is reported, each as one sentence. */
export function readSources(sources: ConfigSources): ConfigReading {
  const problems: string[] = [];
  let tree: Tree = {};
  if (sources.file !== undefined) {
    const value = readYaml(sources.file, problems);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) tree = { ...value };
    else if (value !== null) problems.push(`${sources.file.path}: is not a list of "key: value" lines`);
    anchorPaths(tree, dirname(resolve(sources.file.path)));
  }
  const byEnvName = new Map(CONFIG_KEYS.map((key) => [envName(key.path), key]));
  for (const [name, text] of Object.entries(sources.environment)) {
    if (
      text === undefined ||
      !name.startsWith('CHORDIAL_') ||
      INJECTED.test(name) ||
      name === CONFIG_FILE_VARIABLE
    )
      continue;
    const key = byEnvName.get(name);
    if (key === undefined) problems.push(`environment ${name}: no such setting`);
    else setAt(tree, key.path, fromText(text, key.kind));
  }
  for (const { path, kind } of CONFIG_KEYS) {
    const text = sources.flags[path.join('.')];
    if (text !== undefined) setAt(tree, path, fromText(text, kind));
  }
  const read = readTree(tree);
  return { ...read, problems: [...problems, ...read.problems] };
}

/** The same where nothing may be wrong. */
export const loadConfig = (sources: ConfigSources): Result<Config, readonly string[]> =>
  configOf(readSources(sources));
