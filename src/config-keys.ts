// The keys of the configuration that flags and environment can set.
import { schema } from './config-schema.ts';

/** Every key that flags and environment can set, with the kind of its value. */
export const CONFIG_KEYS: readonly {
  readonly path: readonly string[];
  readonly kind: 'text' | 'number' | 'boolean' | 'list';
}[] = leavesOf(schema.parse({ sip: { listen: ['udp:127.0.0.1:5060'] } }), []);

function leavesOf(
  value: unknown,
  path: readonly string[],
): { path: readonly string[]; kind: 'text' | 'number' | 'boolean' | 'list' }[] {
  const name = path.join('.');
  if (Array.isArray(value) || name === 'domain') return [{ path, kind: 'list' }];
  if (typeof value === 'number') return [{ path, kind: 'number' }];
  if (typeof value === 'boolean') return [{ path, kind: 'boolean' }];
  // Addresses are written as text and parsed into objects; per-domain overrides live in the file only.
  if (typeof value !== 'object' || value === null || name.endsWith('.listen'))
    return [{ path, kind: 'text' }];
  if (name === 'domains') return [];
  return Object.entries(value).flatMap(([key, inner]) => leavesOf(inner, [...path, key]));
}
