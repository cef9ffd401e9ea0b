"""What docs/lsp.md and docs/lsp-entry.md give examples of, and a few rules of theirs without one. python3 -m unittest -v test_lsp_client"""
import asyncio, hashlib, os, struct, tempfile, unittest
import lsp_client as c

hx = lambda text: bytes.fromhex("".join(line.split(";")[0] for line in text.splitlines()))
TX, JAR = hx("0102030405060708"), hx("00112233445566778899aabbccddeeff")
KEY = hx("2c70e12b7a0646f92279f427c7b38e7334d8e538")

FRAMES = {      # lsp.md: "Frame", "Cookies", "Parts", "Messages"
    "ping": ("""4c5350 01 00 00 fb67c0cd095348c8 0102030405060708 00 01 0003 a1 00 01 000000""", dict(flags=0, body=c.cbor({0: 1})), 32),
    "pong": ("""4c5350 01 00 03 fb67c0cd095348c8 0102030405060708 00 01 0005 00112233445566778899aabbccddeeff a2 00 01 01 03""",
             dict(flags=1, cookie=JAR, body=c.cbor({1: 3, 0: 1})), 0),
    "cookie, please": ("4c5350 01 00 00 fb67c0cd095348c8 0102030405060708 00 01 0000", dict(flags=0), 0),
    "challenge": ("4c5350 01 01 03 fb67c0cd095348c8 0102030405060708 00 01 0000 00112233445566778899aabbccddeeff", dict(kind=1, flags=1, cookie=JAR), 0),
    "query": ("""4c5350 01 00 02 fb67c0cd095348c8 0102030405060708 00 01 0019 00112233445566778899aabbccddeeff
                 a2 00 03 01 54 2c70e12b7a0646f92279f427c7b38e7334d8e538""", dict(flags=0, cookie=JAR, body=c.cbor({0: 3, 1: KEY})), 0),
    "bitmap": ("4c5350 01 00 09 fb67c0cd095348c8 0102030405060708 00 04 0002 000b", dict(flags=9, parts=4, body=hx("000b")), 0),
    "fetch": ("4c5350 01 00 0a fb67c0cd095348c8 0102030405060708 00 04 0002 00112233445566778899aabbccddeeff 000b",
              dict(flags=8, parts=4, cookie=JAR, body=hx("000b")), 0),
    "publish": ("""4c5350 01 00 02 fb67c0cd095348c8 0102030405060708 00 01 0049 00112233445566778899aabbccddeeff
                   a3 00 04 01 54 2c70e12b7a0646f92279f427c7b38e7334d8e538 02 82 43 000102
                   5828 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021222324252627""",
                dict(flags=0, cookie=JAR, body=c.cbor({0: 4, 1: KEY, 2: [hx("000102"), bytes(range(40))]})), 0),
}

NAMES = """sip:bob@biloxi.com | sip | bob | biloxi.com | 43b195066fa66f64ce84358e9b24adf7f9f5f606
sips:bob@Biloxi.COM.:5061;transport=tls?x=y | sip | bob | biloxi.com | 43b195066fa66f64ce84358e9b24adf7f9f5f606
sip:b%6Fb:secret@biloxi.com | sip | bob | biloxi.com | 43b195066fa66f64ce84358e9b24adf7f9f5f606
sip:Bob@biloxi.com | sip | Bob | biloxi.com | 349f8ce9243383d8aa05e9a0531e870f5ab4bcc7
sip:%C3%BCte@xn--bcher-kva.example | sip | üte | xn--bcher-kva.example | b9998573263afac7cad75b56887d455b7e95336d
sip:+12125551212@biloxi.com;user=phone | sip | +12125551212 | biloxi.com | b53274b0c0954cddaa7525dc61bec51111d09a14
h323:bob@biloxi.com | h323 | bob | biloxi.com | 451b6c7816f0e54a3a92a6d1c8f12b62102585af
xmpp:bob@biloxi.com/balcony | xmpp | bob | biloxi.com | 1798ff3b1bfadcf3cec79dc1d74e5b7f0b9e7b69
sip:bob@[2001:DB8:0:0::1] | sip | bob | 2001:db8::1 | cdca126c24853bd35ebe619891958b74a79cc606
sip:bob@[::FFFF:c000:204] | sip | bob | ::ffff:192.0.2.4 | 1d0200dfabc9df771035f195e466181e8544cda0
sip:bob@[64:ff9b::192.0.2.4] | sip | bob | 64:ff9b::c000:204 | b6e6ff4f3598c5e59d94892345ee9ae9c2ffe757
sip:bob@bücher.example | sip | bob | xn--bcher-kva.example | 3f90e8bcd94887a07cfc8debc197d4d24bf96bc1
sip:bob@straße.example | sip | bob | xn--strae-oqa.example | 9fc8f22d44897a6b9cbbb109a2fb021e9ee09837
xmpp:ü@pbx_1.example:5222 | xmpp | ü | pbx_1.example | 2ba0f6d410146658ec30d9ddfa93d67fc05d6eca"""

CONTACTS = """sip:bob@192.0.2.4 | sip:bob@192.0.2.4
SIP:b%6Fb%2fx@BILOXI.com.:5060 | sip:bob%2Fx@biloxi.com:5060
sip:bob@h;Transport=TCP;line=1;ob | sip:bob@h;line=1;ob;transport=tcp
sip:h;lr | sip:h;lr
sip:[2001:DB8:0::1]?Subject=A%62&to=x | sip:[2001:db8::1]?subject=Ab&to=x
h323:bob@Gateway:1720 | h323:bob@Gateway:1720
sip:h;X=%61%2F | sip:h;x=a%2f
sip:h?A=%2f&B | sip:h?a=%2F&b
sips:h:05061;lr;LR | sips:h:5061;lr"""

ENTRY = hx("""8543a10127a058a182587caa016a62696c6f78692e636f6d025820ab703a776a3d61e597faab5b5f
deaa86a183a88e09525e3e8730340e08747325030004000550a7dd482997cb1c6bc682128e42a44a
120650a7dd482997cb1c6bc682128e42a44a120750b9b8b812d39f09eee81c35ad7de84934081907
22091b01a3185c500000050a190e1058205fdf62d6b63536ffb4d3093a1c464a55e524a7705c5aef
4293cb464a283a0ea65840060d9d314979f4562ece75b5b36b9a2fcce1a71a7cf8984536c8328dae
b888f0025619c8dba79c6acc4980c7acef8c293101f4c503db29dcfdcdb0f17b42d40b5834000102
030405060708090a0b0c0d0e0f2ca082e12b8408dc9fd5ea78103607e65ca7de1ec8fd906afcc2d9
6da62efc38d8440fbf""")
PRIVATE = hx("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
PUBLIC = hx("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
BOB = c.Name.of("sip:bob@biloxi.com")
TRUST = {"biloxi.com": {0: PUBLIC}}


class Lsp(unittest.TestCase):
    def test_extensions_are_carried_not_judged(self):
        read = lambda text: c.uncbor(hx(text), 2**64 - 1, 4, anything=True)
        for extension in ("a2 02 00 01 00", "a2 01 00 01 00", "61 ff", "fb 0000000000000000", "c1 01", "a1 80 00", "81 81 81 01"):
            self.assertIn(11, read("a1 0b " + extension))
        for refused in ("a1 0b 81 81 81 81 01", "a1 0b f7", "a1 0b 9f ff", "a2 02 00 01 00"):
            self.assertRaises(c.Malformed, read, refused)

    def test_frames(self):
        for name, (text, fields, pad) in FRAMES.items():
            with self.subTest(name):
                frame = c.Frame(**{"overlay": c.overlay_tag("lsp"), "transaction": TX, **fields})
                self.assertEqual(frame.encode(pad).hex(), hx(text).hex())
                back = c.Frame.decode(hx(text))
                self.assertEqual((back.body, back.parts, back.cookie, back.kind), (frame.body, frame.parts, frame.cookie, frame.kind))

    def test_cbor_refused(self):
        for text in ("1801", "190001", "5f4100ff", "c000", "f90000", "a2 0001 0002", "a2 0101 0000", "0000", "61ff", "f7", "43 0000", "",
                     "1b 0020000000000000", "81" * 9 + "00"):
            with self.subTest(text), self.assertRaises(c.Malformed):
                c.uncbor(hx(text))
        self.assertEqual(c.uncbor(hx("1b 001fffffffffffff")), 2**53 - 1)
        self.assertEqual(c.uncbor(hx("81" * 8 + "00")), [[[[[[[[0]]]]]]]])


class Names(unittest.TestCase):
    def test_table(self):
        for row in NAMES.splitlines():
            uri, scheme, user, domain, key = row.split(" | ")
            with self.subTest(uri):
                name = c.Name.of(uri)
                self.assertEqual((name.scheme, name.user, name.domain, name.key.hex()), (scheme, user, domain, key))

    def test_none(self):
        for uri in ("sip:biloxi.com", "bob", "sip:@biloxi.com", "sip:%ff@biloxi.com", "tel:+1212"):
            with self.subTest(uri), self.assertRaises(c.Usage):
                c.Name.of(uri)

    def test_canonical(self):
        for row in CONTACTS.splitlines():
            contact, form = row.split(" | ")
            with self.subTest(contact):
                self.assertEqual(c.canonical(contact), form)


class SeenLive(unittest.TestCase):
    """What the documents leave open, as the live members had it."""
    def test_names(self):
        self.assertEqual(c.Name.of("sip:bob@stra\u00dfe.example").key.hex(), "9fc8f22d44897a6b9cbbb109a2fb021e9ee09837")      # IDNA: ß is kept
        self.assertEqual(c.Name.of("sip:a@[::ffff:192.0.2.1]").key.hex(), "7345d94bde7fc123893b7a0169f5a02614134a20")        # mixed notation
        with self.assertRaises(c.Usage):
            c.Name.of("sip:b%zz@h.example")

    def test_contacts(self):
        for contact, form in (("sip:u@h;x=%2F", "sip:u@h;x=%2f"), ("sip:u@h;lr;LR", "sip:u@h;lr"), ("sips:u@h:05061", "sips:u@h:5061"),
                              ("sip:u@h?b=1&A=%62&a=X%2f", "sip:u@h?a=X%2F&a=b&b=1")):
            self.assertEqual(c.canonical(contact), form)


class WorkedExample(unittest.TestCase):
    def test_derived(self):
        self.assertEqual(BOB.user_hash.hex(), "ab703a776a3d61e597faab5b5fdeaa86a183a88e09525e3e8730340e08747325")
        self.assertEqual(BOB.secret.hex(), "2f9607b877f0cf15253a04d413a6fc8430823ce9a0370affb7fa1cf9ddf0a3f0")
        self.assertEqual(BOB.contact_id("sip:bob@192.0.2.4").hex(), "a7dd482997cb1c6bc682128e42a44a12")
        self.assertEqual(BOB.series("843817637684230@998sdasdh09").hex(), "b9b8b812d39f09eee81c35ad7de84934")
        self.assertEqual(c.seal_key(BOB.secret, bytes(range(16))).hex(), "f3f9128a433ec0083ca75e423f811c1af09a1a6cafe9ea8e717782f919d17d88")
        self.assertEqual(c.ed25519_public(PRIVATE), PUBLIC)

    def test_made(self):
        ident = BOB.contact_id("sip:bob@192.0.2.4")
        core = {1: BOB.domain, 2: BOB.user_hash, 3: 0, 4: 0, 5: ident, 6: ident, 7: BOB.series("843817637684230@998sdasdh09"), 8: 1826,
                9: 1800000000000 << 16 | 5, 10: 3600}
        sealed = c.seal(BOB.secret, c.cbor(core), c.cbor({1: "sip:bob@192.0.2.4"}), bytes(range(16)))
        self.assertEqual(c.sign_entry(core, sealed, PRIVATE, "lsp").hex(), ENTRY.hex())

    def test_read(self):
        self.assertEqual([b[:3] for b in c.read([ENTRY], BOB, "lsp", TRUST, now=1800000000)], [(1000, 1800003600.0, "sip:bob@192.0.2.4")])
        self.assertEqual(c.read([ENTRY], BOB, "lsp", TRUST, now=1800003600), [])                        # expired
        self.assertEqual(c.read([ENTRY], BOB, "other", TRUST, now=1800000000), [])                      # signed for another overlay
        self.assertEqual(c.read([ENTRY], BOB, "lsp", {"biloxi.com": {1: PUBLIC}}, now=1800000000), [])  # another selector
        self.assertEqual(c.read([ENTRY], c.Name.of("sip:bob@biloxi.org"), "lsp", TRUST, now=1800000000), [])
        for at in (10, 100, 190, 250, len(ENTRY) - 1):                                                  # a bit anywhere
            bad = bytearray(ENTRY)
            bad[at] ^= 1
            self.assertEqual(c.read([bytes(bad)], BOB, "lsp", TRUST, now=1800000000), [], at)

    def test_record(self):
        entry = c.Entry.decode(ENTRY)
        record = entry.head + b"\xf6"               # "Without its payload the last item is `f6`"
        self.assertTrue(c.Entry.decode(record).verified("lsp", TRUST))
        self.assertEqual(c.read([record], BOB, "lsp", TRUST, now=1800000000), [])
        self.assertEqual(len(c.read([record, ENTRY, record], BOB, "lsp", TRUST, now=1800000000)), 1)
        self.assertEqual((hashlib.sha256(entry.head).hexdigest()[:4], len(ENTRY)), (hashlib.sha256(ENTRY[:-54]).hexdigest()[:4], 289))

    def test_trust_file(self):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as f:
            f.write('# keys\nbiloxi.com: { 0: "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", 3: 11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo= }\n')
            f.flush()
            self.assertEqual(c.read_trust(f.name), {"biloxi.com": {0: PUBLIC, 3: PUBLIC}})


class Algorithms(unittest.TestCase):
    def test_rfc8032_test_3(self):
        private = hx("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7")
        signature = c.ed25519_sign(private, hx("af82"))
        self.assertEqual(signature.hex(), "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594"
                                          "a7c15e9716ed28dc027beceea1ec40a")
        self.assertTrue(c.ed25519_verify(c.ed25519_public(private), hx("af82"), signature))
        self.assertFalse(c.ed25519_verify(c.ed25519_public(private), hx("af83"), signature))
        self.assertFalse(c.ed25519_verify(c.ed25519_public(private), hx("af82"), signature[:32] + (int.from_bytes(signature[32:], "little") + c.L).to_bytes(32, "little")))

    def test_rfc8439_2_8_2(self):
        key, nonce, aad = bytes(range(0x80, 0xa0)), hx("070000004041424344454647"), hx("50515253c0c1c2c3c4c5c6c7")
        plain = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it."
        ciphertext = c.chacha20(key, 1, nonce, plain)
        self.assertTrue(ciphertext.hex().startswith("d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6"))
        self.assertEqual(c.poly1305_tag(key, nonce, ciphertext, aad).hex(), "1ae10b594f09e26a7e902ecbd0600691")


class Merging(unittest.TestCase):
    """The rules of "Merge", with entries that are signed by nobody."""
    def entry(self, kind, ident=1, series=1, seq=1, version=1, sealed=True):
        core = {1: "d", 2: bytes(32), 3: 0, 4: kind, 7: bytes([series]) * 16, 8: seq, 9: version, 10: 60 if kind == 0 else 0}
        if kind < 2:
            core |= {5: bytes([ident]) * 16, 6: bytes([ident]) * 16}
        blob = b"x" if kind == 0 else None
        payload = c.cbor([c.cbor(core), blob and hashlib.sha256(blob).digest()])
        return c.Entry.decode(c.cbor([b"\xa1\x01\x27", {}, payload, bytes(64), blob if sealed else None]))

    def states(self, *entries):
        return [(s.seq, s.version) for s in c.merge(entries)[0]]

    def test_rules(self):
        E = self.entry
        self.assertEqual(self.states(E(0, seq=1, version=9), E(0, seq=2, version=3)), [(2, 3)])                         # issue within a series
        self.assertEqual(self.states(E(0, series=1, seq=1, version=9), E(0, series=2, seq=2, version=3)), [(1, 9)])     # age between series
        self.assertEqual(self.states(E(0, version=5), E(1, series=2, version=6)), [])
        self.assertEqual(self.states(E(0, version=6), E(1, series=2, version=6)), [(1, 6)])
        self.assertEqual(self.states(E(0, seq=2, version=5), E(1, seq=1, version=9)), [(2, 5)])                         # own series: by seq
        self.assertEqual(self.states(E(0, version=5), E(2, version=5)), [])                                             # equal seq: all buries
        self.assertEqual(self.states(E(0, version=5), E(1, version=5)), [(1, 5)])                                       # ... of one doesn't
        self.assertEqual(self.states(E(0, ident=1, version=5), E(1, ident=2, series=2, version=9)), [(1, 5)])
        self.assertEqual(self.states(*(E(0, series=i, version=i) for i in range(1, 7))), [(1, 6)])


class Ring:
    """A member that loses datagrams, for Call: answers by `say`, drops what `lose` says."""
    def __init__(self, say, lose=()):
        self.say, self.lose, self.count, self.parts, self.log = say, set(lose), 0, {}, []

    def connection_made(self, transport): self.transport = transport
    def connection_lost(self, error): pass

    def out(self, frame, address):
        self.count += 1
        if self.count not in self.lose:
            self.transport.sendto(frame.encode(), address)

    def datagram_received(self, datagram, address):
        f = c.Frame.decode(datagram)
        self.log.append((f.flags, f.part, f.parts, len(datagram)))
        frame = lambda **more: c.Frame(**{"overlay": f.overlay, "transaction": f.transaction, "flags": c.ANSWER, **more})
        if f.cookie != JAR and (not f.body or f.parts > 1):
            return self.out(frame(kind=1, cookie=JAR), address)
        if f.flags & c.BITMAP:
            have = struct.unpack(">H", f.body)[0]
            for i, chunk in enumerate(self.chunks):
                if not have >> i & 1:
                    self.out(frame(part=i, parts=len(self.chunks), body=chunk), address)
            return
        self.parts[f.part] = f.body
        if f.parts > 1:
            self.out(frame(flags=9, parts=f.parts, body=struct.pack(">H", sum(1 << i for i in self.parts))), address)
        if len(self.parts) == f.parts:
            body = c.cbor(self.say(c.uncbor(b"".join(self.parts[i] for i in range(f.parts)))))
            self.chunks = [body[i:i + 1158] for i in range(0, len(body), 1158)]
            for i, chunk in enumerate(self.chunks):
                self.out(frame(part=i, parts=len(self.chunks), body=chunk), address)


class Transfers(unittest.TestCase):
    def run_call(self, message, say, lose=()):
        async def go():
            loop = asyncio.get_running_loop()
            transport, ring = await loop.create_datagram_endpoint(lambda: type("R", (Ring, asyncio.DatagramProtocol), {})(say, lose), local_addr=("127.0.0.1", 0))
            own, link = await loop.create_datagram_endpoint(lambda: c.Link("lsp"), local_addr=("127.0.0.1", 0))
            answer = await link.call(c.Member(transport.get_extra_info("sockname")), message)
            transport.close(), own.close()
            return answer, ring
        return asyncio.run(go())

    def test_padding(self):
        answer, ring = self.run_call({0: 3, 1: KEY}, lambda m: {0: 4, 1: 1, 3: [], 5: []})
        self.assertEqual((answer[0], ring.log), (4, [(0, 0, 1, 400)]))

    def test_parts_both_ways(self):
        entries = [os.urandom(800) for _ in range(10)]
        for lose in ((), {2}, {9}, {11, 12}, {1, 2, 9, 10}):
            with self.subTest(lose=lose):
                answer, ring = self.run_call({0: 4, 1: KEY, 2: entries}, lambda m: {0: 5, 1: 1, 5: m[2], 6: []}, lose)
                self.assertEqual(answer[5], entries)

    def test_silence(self):
        with self.assertRaises(c.Nobody):
            self.run_call({0: 2, 1: KEY}, lambda m: {}, range(100))


if __name__ == "__main__":
    unittest.main()
