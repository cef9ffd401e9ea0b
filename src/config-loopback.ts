// What listens on this machine alone: what may then go without passwords and keys.
import { isLoopback } from './uri/hosts.ts';

interface Bound {
  readonly host: string;
}
interface SipPlaces {
  readonly sip: { readonly listen: readonly Bound[] };
}

/** No phone reaches it from another machine. */
export const loopbackSip = ({ sip }: SipPlaces): boolean => sip.listen.every(({ host }) => isLoopback(host));

/** Neither does a member of the ring. */
export const isLoopbackOnly = (
  config: SipPlaces & { readonly overlay: { readonly listen: Bound } },
): boolean => loopbackSip(config) && isLoopback(config.overlay.listen.host);
