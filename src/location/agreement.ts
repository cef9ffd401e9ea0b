// Whether the replicas of a name tell the same, and in words what differs. Pure.
import type { Binding } from './types.ts';

/** What one replica told, opened. */
export interface ReplicaTold {
  readonly name: string;
  /** Undefined if it did not answer, or not to the point: then it is no party to a disagreement. */
  readonly bindings: readonly Binding[] | undefined;
  /** The replicas as it sees them; undefined if it did not say. */
  readonly replicas: readonly string[] | undefined;
}

/** RFC 5626: a binding is its instance and reg-id where it has both, else its contact. */
const bindingKey = ({ instance, regId, canonicalContact }: Binding): string =>
  instance === undefined || regId === undefined ? canonicalContact : `${instance} ${regId}`;

const listed = (names: readonly string[]): string => names.join(', ');

const grouped = (values: readonly { readonly name: string; readonly value: string }[]) => {
  const groups = new Map<string, string[]>();
  for (const { name, value } of values) groups.set(value, [...(groups.get(value) ?? []), name]);
  return [...groups];
};

const bindingDifferences = (replicas: readonly ReplicaTold[]): readonly string[] => {
  const speaking = replicas.flatMap(({ name, bindings }) =>
    bindings === undefined ? [] : [{ name, bindings }],
  );
  const keys = new Set(speaking.flatMap(({ bindings }) => bindings.map(bindingKey)));
  return [...keys].flatMap((key) => {
    const held = speaking.map(({ name, bindings }) => ({
      name,
      binding: bindings.find((one) => bindingKey(one) === key),
    }));
    const holders = held.flatMap(({ name, binding }) => (binding === undefined ? [] : [{ name, binding }]));
    const missing = held.filter(({ binding }) => binding === undefined).map(({ name }) => name);
    const contact = holders[0]?.binding.contact ?? key;
    const lacking =
      missing.length === 0
        ? []
        : [`${contact} is held by ${listed(holders.map(({ name }) => name))}, not by ${listed(missing)}`];
    // Another expiry is another publication: one of them has an older one.
    const expiries = grouped(
      holders.map(({ name, binding }) => ({ name, value: String(binding.expiresAtMs) })),
    );
    if (expiries.length < 2) return lacking;
    const newest = Math.max(...expiries.map(([value]) => Number(value)));
    const behind = expiries.filter(([value]) => Number(value) < newest);
    const words = behind.map(([value, names]) => {
      const bySec = ((newest - Number(value)) / 1000).toFixed(1);
      return `${contact}: ${listed(names)} has an older publication, which expires ${bySec} s earlier`;
    });
    return [...lacking, ...words];
  });
};

const setDifferences = (replicas: readonly ReplicaTold[]): readonly string[] => {
  const views = grouped(
    replicas.flatMap(({ name, replicas: view }) =>
      view === undefined || view.length === 0 ? [] : [{ name, value: view.join(', ') }],
    ),
  );
  if (views.length < 2) return [];
  return [`the replicas are ${views.map(([view, names]) => `${view} for ${listed(names)}`).join('; ')}`];
};

/** Empty where all that answered agree. */
export const differences = (replicas: readonly ReplicaTold[]): readonly string[] => [
  ...setDifferences(replicas),
  ...bindingDifferences(replicas),
];
