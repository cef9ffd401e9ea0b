#!/usr/bin/env python3
"""Looks a URI up in the Location Service: docs/lsp.md and docs/lsp-entry.md in the standard library of Python alone.

    examples/lsp_query.py sip:bob@biloxi.com 127.0.0.1:7184 [--overlay lsp] [--key BASE64 of the domain's public key]

Asks one member, or those that it names; `chordial lookup` asks two and merges. Without --key signatures are checked for
self-certifying domains only.
"""
import argparse, base64, hashlib, hmac, os, socket, struct, sys, time

# --- CBOR (RFC 8949), deterministic, as far as LSP goes ---

def head(major, n):
    if n < 24: return bytes([major << 5 | n])
    size = 1 if n < 1 << 8 else 2 if n < 1 << 16 else 4 if n < 1 << 32 else 8
    return bytes([major << 5 | 23 + size.bit_length()]) + n.to_bytes(size, 'big')

def encode(value):
    if isinstance(value, int): return head(0, value)
    if isinstance(value, bytes): return head(2, len(value)) + value
    if isinstance(value, str): return head(3, len(value.encode())) + value.encode()
    if isinstance(value, list): return head(4, len(value)) + b''.join(map(encode, value))
    return head(5, len(value)) + b''.join(encode(k) + encode(v) for k, v in sorted(value.items()))

def item(data, at):
    major, n = data[at] >> 5, data[at] & 31
    at += 1
    if major == 7: return {20: False, 21: True, 22: None}[n], at
    if n > 23:
        size = 1 << n - 24
        n, at = int.from_bytes(data[at:at + size], 'big'), at + size
    if major == 0: return n, at
    if major == 2: return data[at:at + n], at + n
    if major == 3: return data[at:at + n].decode(), at + n
    values = [item(data, at)] if n else []
    while len(values) < n * (major - 3): values.append(item(data, values[-1][1]))
    plain, at = [value for value, _ in values], values[-1][1] if n else at
    return (plain if major == 4 else dict(zip(plain[::2], plain[1::2]))), at

decode = lambda data: item(data, 0)[0]
sha256 = lambda data: hashlib.sha256(data).digest()

# --- Ed25519 (RFC 8032) and AEAD_CHACHA20_POLY1305 (RFC 8439), for lack of a library ---

P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P

def plus(a, b):
    (x, y), (u, v) = a, b
    k = D * x * y * u * v
    return (x * v + y * u) * pow(1 + k, -1, P) % P, (y * v + x * u) * pow(1 - k, -1, P) % P

def times(n, point):
    total = (0, 1)
    for bit in bin(n)[2:]:
        total = plus(total, total)
        if bit == '1': total = plus(total, point)
    return total

def point(data):
    y = int.from_bytes(data, 'little')
    sign, y = y >> 255, y & (1 << 255) - 1
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square: x = x * pow(2, (P - 1) // 4, P) % P
    if x * x % P != square: raise ValueError('not a point')
    return (P - x if x & 1 != sign else x), y

def signed_by(key, message, signature):
    base = point((4 * pow(5, -1, P) % P).to_bytes(32, 'little'))
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), 'little') % L
    s = int.from_bytes(signature[32:], 'little')
    return s < L and times(s, base) == plus(point(signature[:32]), times(h, point(key)))

def chacha_block(key, counter):
    rotate = lambda x, n: (x << n | x >> 32 - n) & 0xffffffff
    start = [*struct.unpack('<4I', b'expand 32-byte k'), *struct.unpack('<8I', key), counter, 0, 0, 0]
    x = start[:]
    def quarter(a, b, c, d):
        for to, by, other, n in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            x[to] = x[to] + x[by] & 0xffffffff
            x[other] = rotate(x[other] ^ x[to], n)
    for _ in range(10):
        for i in range(4): quarter(i, 4 + i, 8 + i, 12 + i)
        for i in range(4): quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return struct.pack('<16I', *(a + b & 0xffffffff for a, b in zip(x, start)))

def open_aead(key, sealed, associated):
    text, tag = sealed[:-16], sealed[-16:]
    pad = lambda data: data + bytes(-len(data) % 16)
    one_time = chacha_block(key, 0)[:32]
    r = int.from_bytes(one_time[:16], 'little') & 0x0ffffffc0ffffffc0ffffffc0fffffff
    total = 0
    mac = pad(associated) + pad(text) + struct.pack('<QQ', len(associated), len(text))
    for i in range(0, len(mac), 16):
        total = (total + int.from_bytes(mac[i:i + 16] + b'\1', 'little')) * r % (2**130 - 5)
    expected = total + int.from_bytes(one_time[16:], 'little') & (1 << 128) - 1
    if expected.to_bytes(16, 'little') != tag: return None
    stream = b''.join(chacha_block(key, 1 + i) for i in range(-(-len(text) // 64)))
    return bytes(a ^ b for a, b in zip(text, stream))

# --- lsp.md: frames, cookies, parts ---

class Member:
    def __init__(self, overlay, address):
        self.tag, self.cookie = sha256(encode(['lsp-overlay', overlay]))[:8], b''
        self.socket = socket.socket(socket.AF_INET6 if ':' in address[0] else socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(address)

    def send(self, transaction, body, bitmap=False, count=1, pad=0):
        flags = (2 if self.cookie else 0) | (8 if bitmap else 0)
        frame = b'LSP\1\0' + bytes([flags]) + self.tag + transaction + struct.pack('>BBH', 0, count, len(body))
        self.socket.send((frame + self.cookie + body).ljust(pad, b'\0'))

    def ask(self, request):
        transaction, body, parts, count = os.urandom(8), encode(request), {}, 1
        for wait in (1, 2, 3):
            if parts: self.send(transaction, sum(1 << i for i in parts).to_bytes(2, 'big'), True, count)
            else: self.send(transaction, body, pad=0 if self.cookie else 400)
            deadline = time.monotonic() + wait
            while (left := deadline - time.monotonic()) > 0:
                self.socket.settimeout(left)
                try: data = self.socket.recv(1500)
                except (socket.timeout, ConnectionError): break
                if len(data) < 26 or data[:4] != b'LSP\1' or data[14:22] != transaction: continue
                (part, count, length), at = struct.unpack('>BBH', data[22:26]), 26
                if data[5] & 2: self.cookie, at = data[26:42], 42
                if data[4] == 1: self.send(transaction, body)
                elif not data[5] & 8: parts[part] = data[at:at + length]
                if len(parts) == count: return decode(b''.join(parts[i] for i in range(count)))
        return None

# --- lsp-entry.md: what is derived from a name, entries, merge ---

def read_entry(data, name, overlay, key, public_key):
    protected, _, payload, signature, sealed = decode(data)
    core_bytes, seal_hash = decode(payload)
    core = decode(core_bytes)
    if protected != b'\xa1\1\x27' or sha256(encode(['lsp-key', core[1], core[2]]))[:20] != key: return None
    if sealed is not None and sha256(sealed) != seal_hash: return None
    signed = encode(['Signature1', protected, overlay.encode(), payload])
    if public_key and not signed_by(public_key, signed, signature): return None
    contact = None
    if sealed is not None:
        secret = sha256(encode(['lsp-secret', *name]))
        extracted = hmac.digest(sealed[:16], secret, 'sha256')
        plain = open_aead(hmac.digest(extracted, b'lsp-seal\1', 'sha256'), sealed[16:], core_bytes)
        contact = plain and decode(plain)
    return {'kind': core[4], 'binding': core.get(5), 'contact_id': core.get(6), 'series': core[7], 'seq': core[8],
            'version': core[9], 'expires': (core[9] >> 16) / 1000 + core[10], 'contact': contact}

def buries(removal, entry):
    if removal['kind'] == 1 and all(removal[field] != entry[field] for field in ('binding', 'contact_id')): return False
    later = removal['version'] > entry['version']
    if removal['series'] != entry['series']: return later
    return removal['seq'] > entry['seq'] or removal['seq'] == entry['seq'] and (removal['kind'] == 2 or later)

def visible(entries):
    removals, latest, states = [e for e in entries if e['kind'] > 0], {}, {}
    for entry in sorted((e for e in entries if e['kind'] == 0), key=lambda e: (e['seq'], e['version'])):
        latest[entry['binding'], entry['series']] = entry
    for entry in sorted(latest.values(), key=lambda e: e['version']):
        if not any(buries(removal, entry) for removal in removals): states[entry['binding']] = entry
    return [e for e in reversed(states.values()) if e['expires'] > time.time() and e['contact']][:10]

def address_of(descriptor):
    endpoint = decode(decode(descriptor)[2])[5][0]
    host = socket.inet_ntop(socket.AF_INET if len(endpoint) == 6 else socket.AF_INET6, endpoint[:-2])
    return host, int.from_bytes(endpoint[-2:], 'big')

def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    for argument, default in (('uri', None), ('via', None), ('--overlay', 'lsp'), ('--key', None)):
        parser.add_argument(argument, default=default)
    options = parser.parse_args()
    scheme, _, rest = options.uri.partition(':')
    user, _, domain = rest.partition('@')
    name = ['sip' if scheme in ('sip', 'sips') else scheme, user, domain.lower()]
    key = sha256(encode(['lsp-key', name[2], sha256(encode(['lsp-user', *name]))]))[:20]
    public_key = base64.b64decode(options.key) if options.key else None
    if name[2].endswith('.lsp.alt'): public_key = base64.b32decode(name[2][:52].upper() + '====')
    host, _, port = options.via.rpartition(':')
    todo = [(host.strip('[]'), int(port))]
    for address in todo:
        member = Member(options.overlay, address)
        pong = member.ask({0: 1})
        answer = pong and member.ask({0: 3, 1: key})
        print(f'{address[0]}:{address[1]}', f'a ring of about {pong[1]}' if pong else 'silent', file=sys.stderr)
        if answer and answer[0] == 4:
            entries = [read_entry(data, name, options.overlay, key, public_key) for data in answer[5]]
            shown = visible([entry for entry in entries if entry])
            for entry in shown: print(entry['contact'][1], f"for {entry['expires'] - time.time():.0f} s")
            return 0 if shown else 4
        if answer and answer[0] == 11:
            print('error', answer[21], answer[22], file=sys.stderr)
            todo += [one for one in map(address_of, answer.get(23, [])) if one not in todo]
    return 3

if __name__ == '__main__':
    sys.exit(main())
