// Addresses as groups: whether one lies in a list of ranges, and which addresses are one source for limits.
import { BlockList, isIP } from 'node:net';
import { BoundedMap } from './bounded-map.ts';

/** An IPv4 address mapped into IPv6 is that IPv4 address; a zone (`%eth0`) is no part of an address. */
const bare = (host: string): string => {
  const [address = ''] = host.split('%', 1);
  return address.toLowerCase().startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
};

/** Is this an address, or a range such as `10.0.0.0/8`? */
export const isAddressRange = (text: string): boolean => {
  const [address = '', bits, ...rest] = text.split('/');
  const width = isIP(address) === 4 ? 32 : isIP(address) === 6 ? 128 : -1;
  return (
    width > 0 &&
    rest.length === 0 &&
    (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= width))
  );
};

/** Sources of a busy hour; one that was forgotten is looked up again. */
const ANSWERS_MAX = 4096;

/** Whether an address lies in one of `ranges` (`10.0.0.0/8`, `::1`); a range that is none is left out. */
export const createAddressRanges = (ranges: readonly string[]): ((host: string) => boolean) => {
  // BOUNDED: by the configuration.
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', bits] = range.split('/', 2);
    const family = isIP(address);
    if (family === 0) continue;
    const type = family === 4 ? 'ipv4' : 'ipv6';
    if (bits === undefined) list.addAddress(address, type);
    else list.addSubnet(address, Number(bits), type);
  }
  // BOUNDED: ANSWERS_MAX. Asked for every datagram, and a block list makes an object for each question.
  const answers = new BoundedMap<string, boolean>(ANSWERS_MAX);
  return (host) => {
    const known = answers.get(host);
    if (known !== undefined) return known;
    const address = bare(host);
    const family = isIP(address);
    const answer = family !== 0 && list.check(address, family === 4 ? 'ipv4' : 'ipv6');
    answers.set(host, answer);
    return answer;
  };
};

/**
 * The network around a source that one customer may have whole: the /48 of an IPv6 /64, of which tunnel brokers give
 * one to everybody who asks. Undefined for IPv4, where one address is what one pays for.
 */
export const networkOf = (source: string): string | undefined => {
  const [, head] = /^((?:[0-9a-f]+:){3})[0-9a-f]+::\/64$/.exec(source) ?? [];
  return head === undefined ? undefined : `${head}:/48`;
};

/** Who counts as one source: an IPv4 address, or an IPv6 /64 (whoever has one address of it has all). */
export const sourceOf = (host: string): string => {
  const address = bare(host);
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.split('::', 2);
  const front = head === '' ? [] : head.split(':');
  const back = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - front.length - back.length);
  const groups = [...front, ...new Array<string>(zeros).fill('0'), ...back];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
};
