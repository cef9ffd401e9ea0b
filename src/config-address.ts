// Addresses as the configuration writes them: host:port, listeners, and what an operator reads when one is none.
import { fail, ok, type Result } from './runtime/result.ts';
import { canonicalHost, isHost, isIpLiteral, isWildcard } from './uri/hosts.ts';

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

export interface Listener extends HostPort {
  readonly transport: 'udp' | 'tcp' | 'tls' | 'ws' | 'wss';
  /** Where others reach it, if that is elsewhere. */
  readonly advertised: HostPort | undefined;
}

const PLACE = /^(\[[^\]]*\]|[^[\]:]+)(?::(\d{1,5}))?$/;
const PORT_MAX = 65_535;

/** `host` or `host:port`, IPv6 in brackets; without them in the result. */
const readPlace = (text: string): { host: string; port: number | undefined } | undefined => {
  const [, written, port] = PLACE.exec(text) ?? [];
  if (written === undefined || Number(port ?? 0) > PORT_MAX) return undefined;
  const brackets = written.startsWith('[');
  const host = brackets ? written.slice(1, -1) : written;
  if (!isHost(host) || host.includes(':') !== brackets) return undefined;
  return { host: canonicalHost(host), port: port === undefined ? undefined : Number(port) };
};

const readHostPort = (text: string | undefined): HostPort | undefined => {
  const place = text === undefined ? undefined : readPlace(text);
  return place?.port === undefined ? undefined : { host: place.host, port: place.port };
};

const NOT_HOST_PORT = 'is not host:port (IPv6 in brackets)';
const everyAddress = (host: string): string =>
  `${host} means every address of a machine: nobody can be sent there`;

/** A socket to bind: `host:port`; port 0 takes any free one. */
export const parseBind = (text: string): Result<HostPort> => {
  const place = readHostPort(text);
  return place === undefined ? fail(`"${text}" ${NOT_HOST_PORT}`) : ok(place);
};

/** Somebody else's `host:port`. */
export const parseRemote = (text: string): Result<HostPort> => {
  const place = readHostPort(text);
  if (place === undefined || place.port === 0) return fail(`"${text}" ${NOT_HOST_PORT}`);
  return isWildcard(place.host) ? fail(`"${text}": ${everyAddress(place.host)}`) : ok(place);
};

/** As `parseBind`, for the overlay, whose descriptors hold addresses and no names. */
export const parseOverlayBind = (text: string): Result<HostPort> => {
  const place = parseBind(text);
  return place.ok && !isIpLiteral(place.value.host)
    ? fail(`"${text}": the ring knows its members by IP address, not by name`)
    : place;
};

/** The overlay's `address` or `address:port` as others reach it; empty for none. */
export const parseOverlayAdvertise = (
  text: string,
): Result<{ readonly host: string; readonly port: number | undefined } | undefined> => {
  if (text === '') return ok(undefined);
  const place = readPlace(text);
  if (place === undefined) return fail(`"${text}" is not an address or address:port (IPv6 in brackets)`);
  if (!isIpLiteral(place.host))
    return fail(`"${text}": the ring knows its members by IP address, not by name`);
  return isWildcard(place.host) ? fail(`"${text}": ${everyAddress(place.host)}`) : ok(place);
};

/** A host without a port, IPv6 with or without brackets; empty for none. */
export const parseAdvertise = (text: string): Result<string> => {
  if (text === '') return ok('');
  const host = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text;
  if (!isHost(host))
    return fail(`"${text}" is not a host name or IP address (each listener keeps its own port)`);
  return isWildcard(host) ? fail(`"${text}": ${everyAddress(host)}`) : ok(canonicalHost(host));
};

const LISTENER = /^([a-z]+):([^=]+)(?:=(.+))?$/;

const isTransport = (word: string | undefined): word is Listener['transport'] =>
  word === 'udp' || word === 'tcp' || word === 'tls' || word === 'ws' || word === 'wss';

export const parseListener = (text: string): Result<Listener> => {
  const [, transport, bind, reached] = LISTENER.exec(text) ?? [];
  const place = readHostPort(bind);
  const advertised = readHostPort(reached);
  if (!isTransport(transport) || place === undefined || (reached !== undefined && advertised === undefined))
    return fail(
      `"${text}" is not transport:host:port[=host:port] (udp, tcp, tls, ws or wss; IPv6 in brackets)`,
    );
  if (!isIpLiteral(place.host)) return fail(`"${text}": a listener binds an IP address, not a name`);
  if (advertised !== undefined && isWildcard(advertised.host))
    return fail(`"${text}": ${everyAddress(advertised.host)}`);
  return ok({ transport, ...place, advertised });
};

/** Where a page may come from, as browsers send it (RFC 6454 §6.2): `https://phone.example.com`, the default port left out. */
export const parseOrigin = (text: string): Result<string> =>
  URL.canParse(text) && new URL(text).origin === text.toLowerCase()
    ? ok(text.toLowerCase())
    : fail(`"${text}" is not scheme://host[:port] without a path, as browsers send it`);

/** `host:port` as it is written. */
export const formatPlace = ({ host, port }: { host: string; port?: number | undefined }): string =>
  `${host.includes(':') ? `[${host}]` : host}${port === undefined ? '' : `:${port}`}`;

export const formatListener = (one: Listener): string =>
  `${one.transport}:${formatPlace(one)}${one.advertised === undefined ? '' : `=${formatPlace(one.advertised)}`}`;
