#!/usr/bin/env python3
"""A publishing and querying client of LSP, the Location Service Protocol, version 1.

Written from docs/lsp.md and docs/lsp-entry.md alone (and the RFCs they name: 8949, 9052, 8032, 8439, 5869), by somebody who had seen no
line of chordial's source; in plain Python 3.11 without packages, to be read: its sections follow those of the two documents, and quotes
in comments are theirs.

  lsp_client.py find URI                          the replica set, the owner first
  lsp_client.py lookup URI --trust FILE           contact, q and expiry of what is bound, verified and unsealed
  lsp_client.py publish URI CONTACT --expires N [--q Q] --key FILE.pem --domain D --selector N
  lsp_client.py withdraw URI [CONTACT] --key FILE.pem --domain D --selector N

Exit: 0 done, 2 usage, 3 nobody answers (or none could say), 4 none found, 5 refused.

Not in it: DNS (domain keys come from the trust file, or from a .lsp.alt name), NEIGHBOURS, the caching of anything between two runs.
The arithmetic of Ed25519 here is not constant-time: good for learning, not for a host that others can time.
"""
import argparse, asyncio, base64, getpass, hashlib, hmac, ipaddress, itertools, json, os, random, re, socket, struct, sys, time, unicodedata
from dataclasses import dataclass, field


class LspError(Exception):          # each has the exit code it ends the program with
    code = 1

class Usage(LspError): code = 2
class Nobody(LspError): code = 3
class NoneFound(LspError): code = 4
class Refused(LspError): code = 5
class Malformed(LspError): code = 5


# =====================================================================================================================================
# lsp.md "Transport": "Everything inside a message is CBOR (RFC 8949) in deterministic encoding (§4.2.1)"
# =====================================================================================================================================

def cbor(item):
    def head(major, n):
        for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
            if n < 24:
                return bytes([major << 5 | n])
            if n < 1 << 8 * size:
                return bytes([major << 5 | info]) + n.to_bytes(size, "big")
        raise ValueError("integer of more than 64 bits")
    if item is None or isinstance(item, bool):
        return {False: b"\xf4", True: b"\xf5", None: b"\xf6"}[item]
    if isinstance(item, int):
        return head(0, item) if item >= 0 else head(1, -1 - item)
    if isinstance(item, bytes):
        return head(2, len(item)) + item
    if isinstance(item, str):
        text = item.encode()
        return head(3, len(text)) + text
    if isinstance(item, (list, tuple)):
        return head(4, len(item)) + b"".join(map(cbor, item))
    if isinstance(item, dict):
        return head(5, len(item)) + b"".join(k + v for k, v in sorted((cbor(k), cbor(v)) for k, v in item.items()))
    raise TypeError(type(item))


def uncbor(data, int_max=2**53 - 1, levels=8, anything=False):
    """"A map with a key twice, nesting of more than 8 levels, an integer beyond 2^53−1, or bytes after the item make a message malformed."""
    def item(at, level):
        if at >= len(data) or level > levels:
            raise Malformed("CBOR: cut off, or nested too deep")
        major, info = data[at] >> 5, data[at] & 31
        at += 1
        if anything and major == 7 and info in (25, 26, 27):
            return data[at:at + (2 << info - 25)], at + (2 << info - 25)       # a float in an extension of an entry: not our business
        if major == 7:
            if info not in (20, 21, 22):
                raise Malformed("CBOR: neither true, false nor null")
            return {20: False, 21: True, 22: None}[info], at
        n = info
        if 24 <= info <= 27:
            size = 1 << info - 24
            n = int.from_bytes(data[at:at + size], "big")
            at += size
            if at > len(data) or n < (24 if size == 1 else 1 << 4 * size):
                raise Malformed("CBOR: not the shortest form")
        elif info > 27:
            raise Malformed("CBOR: indefinite length")
        if major <= 1:
            if n > int_max:
                raise Malformed("CBOR: integer too large")
            return (n if major == 0 else -1 - n), at
        if major in (2, 3):
            if at + n > len(data):
                raise Malformed("CBOR: cut off")
            try:
                return (data[at:at + n] if major == 2 else data[at:at + n].decode()), at + n
            except UnicodeDecodeError:
                if anything and level:
                    return data[at:at + n], at + n      # "carried, not judged"
                raise Malformed("CBOR: not UTF-8") from None
        if major == 4:
            out = []
            for _ in range(n):
                value, at = item(at, level + 1)
                out.append(value)
            return out, at
        if major == 5:
            out, last = {}, b""
            for _ in range(n):
                start = at
                key, at = item(at, level + 1)
                if anything and level:                  # "the order of keys, repetition and UTF-8 in there are not looked at"
                    out[start], at = item(at, level + 1)
                    continue
                if data[start:at] <= last or not isinstance(key, (int, str, bytes)):
                    raise Malformed("CBOR: map keys not ascending")
                last = data[start:at]
                out[key], at = item(at, level + 1)
            return out, at
        if anything:
            return item(at, level + 1)
        raise Malformed("CBOR: a tag")
    value, end = item(0, 0)
    if end != len(data):
        raise Malformed("CBOR: bytes after the item")
    return value


def H(*array):
    """lsp-entry.md: "`H(…)` is SHA-256 over the deterministic CBOR of the array"."""
    return hashlib.sha256(cbor(array)).digest()


# =====================================================================================================================================
# lsp.md "Frame"
# =====================================================================================================================================

PLAIN, CHALLENGE = 0, 1                             # kinds
ANSWER, COOKIE, SIGNED, BITMAP = 1, 2, 4, 8         # flags
CHUNK_BYTES_MAX, PARTS_MAX = 1158, 16
HEADER = struct.Struct(">3sBBB8s8sBBH")             # 26 bytes


@dataclass
class Frame:
    flags: int
    overlay: bytes
    transaction: bytes
    part: int = 0
    parts: int = 1
    cookie: bytes | None = None
    body: bytes = b""
    kind: int = PLAIN

    def encode(self, pad_to=0):
        flags = self.flags | (COOKIE if self.cookie else 0)
        out = HEADER.pack(b"LSP", 1, self.kind, flags, self.overlay, self.transaction, self.part, self.parts, len(self.body))
        return (out + (self.cookie or b"") + self.body).ljust(pad_to, b"\0")    # "padding: zeros when sent, not looked at when received"

    @classmethod
    def decode(cls, datagram):
        if len(datagram) < HEADER.size:
            return None
        magic, version, kind, flags, overlay, transaction, part, parts, length = HEADER.unpack_from(datagram)
        at = HEADER.size + (16 if flags & COOKIE else 0)
        if magic != b"LSP" or version != 1 or not part < parts <= PARTS_MAX or length > CHUNK_BYTES_MAX or at + length > len(datagram):
            return None
        return cls(flags, overlay, transaction, part, parts, datagram[26:at] or None, datagram[at:at + length], kind)


def overlay_tag(overlay):
    return H("lsp-overlay", overlay)[:8]


# =====================================================================================================================================
# lsp.md "Cookies", "Parts" and "State machines: One request, at the asker"
# =====================================================================================================================================

@dataclass
class Peer:
    """What is remembered of an address: "keep the newest [cookie] per peer and show it in every request", and its round-trip times."""
    cookie: bytes | None = None
    srtt: float | None = None
    rttvar: float = 0.0
    rto: float = 1.0                                # RTO_INITIAL_MS

    def measured(self, r):
        """lsp.md "Timers": RTO of a peer."""
        if self.srtt is None:
            self.srtt, self.rttvar, rto = r, r / 2, 3 * r
        else:
            self.rttvar = 0.75 * self.rttvar + 0.25 * abs(self.srtt - r)
            self.srtt = 0.875 * self.srtt + 0.125 * r
            rto = self.srtt + 4 * self.rttvar
        self.rto = min(3.0, max(0.1, rto))

    def hedge(self):
        """After so long an answer is "late"."""
        return 0.3 if self.srtt is None else min(1.0, self.srtt + max(0.010, 5 * self.rttvar))


PAD = {1: 32, 2: 400, 3: 400, 7: 400, 10: 400}      # requests that may be answered without a cookie; all others need one
SLOW = {4}                                          # PUBLISH "waits for something else": at least 1 s, and not measured


class Call:
    """One request: copies, challenges, parts both ways; `run` returns the answer, or raises Nobody."""

    def __init__(self, link, address, message):
        self.link, self.address, self.kind = link, address, message[0]
        self.peer = link.peers.setdefault(address, Peer())
        self.transaction = os.urandom(8)
        body = cbor(message)
        self.chunks = [body[i:i + CHUNK_BYTES_MAX] for i in range(0, len(body), CHUNK_BYTES_MAX)]
        if len(self.chunks) > PARTS_MAX:
            raise Refused("the request needs more than 16 parts")
        self.all = (1 << len(self.chunks)) - 1
        self.cookie = self.peer.cookie
        self.arrived = self.arrived_at_send = 0     # bit i: part i of the request is known to have arrived
        self.answer, self.answer_parts = {}, 0      # parts of the answer by number; how many there are
        self.challenges, self.moving = 0, False
        self.frames = asyncio.Queue()

    def frame(self, **more):
        return Frame(overlay=self.link.tag, transaction=self.transaction, cookie=self.cookie, **{"flags": 0, **more})

    def send(self):
        send = lambda frame, pad=0: self.link.send(frame.encode(pad), self.address)
        if self.answer:                             # "a request frame (flags 2 and 8) whose body is the bitmap of the parts that did arrive"
            have = sum(1 << part for part in self.answer)
            return send(self.frame(flags=BITMAP, parts=self.answer_parts, body=struct.pack(">H", have)))
        if not self.cookie and (self.kind not in PAD or len(self.chunks) > 1):
            return send(self.frame())               # "A request frame with an empty body asks for a cookie"
        missing = self.all & ~self.arrived or 1     # all arrived, but no answer: "one copy of any one part ... brings it"
        self.arrived_at_send = self.arrived
        for part, chunk in enumerate(self.chunks):
            if missing >> part & 1:
                send(self.frame(part=part, parts=len(self.chunks), body=chunk), 0 if self.cookie else PAD[self.kind])

    def take(self, frame):
        """Is it news? Challenges, bitmaps, parts of the answer."""
        if frame.cookie:
            self.peer.cookie = frame.cookie
        if frame.kind == CHALLENGE:                 # "Two challenges to one request are normal ..., a third is not answered"
            if self.challenges == 2 or not frame.cookie or frame.cookie == self.cookie:
                return False                        # (the same cookie again: several parts were challenged)
            self.challenges += 1
            self.cookie, self.arrived, self.moving = frame.cookie, 0, False
            self.send()
            return True
        if frame.kind != PLAIN:
            return False
        if frame.flags & BITMAP:
            if len(frame.body) != 2 or frame.parts != len(self.chunks):
                return False
            now = struct.unpack(">H", frame.body)[0] & self.all
            if self.arrived_at_send & ~now:         # "the receiver has let go of them all"
                news, self.arrived, self.arrived_at_send = now != self.arrived, now, 0
            else:
                news, self.arrived = bool(now & ~self.arrived), self.arrived | now
            self.moving |= news
            return news
        if self.answer_parts not in (0, frame.parts):
            if frame.parts > 1:
                return False
            self.answer.clear()                     # "after that it answers `retry`": one datagram instead of the missing parts
        news = frame.part not in self.answer
        self.answer_parts, self.answer[frame.part] = frame.parts, frame.body
        self.moving |= frame.parts > 1
        return news

    async def run(self):
        clock = asyncio.get_running_loop().time
        slow = self.kind in SLOW
        wait = max(self.peer.rto, 1.0 if slow else 0)
        attempts, rounds, moved, sent = (2 if self.kind == 2 else 3), 0, False, 1
        began = clock()
        self.send()
        until = None
        while True:
            if until is None:                       # k-th wait: min(3 s, 2^(k−1)·RTO)·j; in a transfer rounds of min(400 ms, the wait)
                until = clock() + (min(0.4, wait) if self.moving else wait * random.uniform(1, 1.1))
            try:
                frame = await asyncio.wait_for(self.frames.get(), max(0, until - clock()))
            except asyncio.TimeoutError:
                if self.moving and moved and rounds < 16:
                    rounds += 1
                else:
                    attempts -= 1
                    wait = min(3.0, 2 * wait)
                    self.peer.rto = max(self.peer.rto, wait) if not slow else self.peer.rto
                if not attempts:
                    raise Nobody(f"{self.address[0]}:{self.address[1]} doesn't answer") from None
                moved, until, sent = False, None, sent + 1
                self.send()
                continue
            if not self.take(frame):
                continue
            moved, until = True, None
            if len(self.answer) == self.answer_parts > 0:
                if sent == 1 and not self.challenges and not self.moving and not slow:
                    self.peer.measured(clock() - began)     # "Only requests sent once are measured (Karn)"
                message = uncbor(b"".join(self.answer[i] for i in range(self.answer_parts)))
                if not isinstance(message, dict) or not isinstance(message.get(0), int):
                    raise Malformed("an answer that is no message")
                return message


class Link(asyncio.DatagramProtocol):
    """The socket: sends frames, and gives answers to the calls that wait for them."""

    def __init__(self, overlay):
        self.tag, self.peers, self.calls, self.transport = overlay_tag(overlay), {}, {}, None

    def connection_made(self, transport):
        self.transport = transport

    def send(self, datagram, address):
        self.transport.sendto(datagram, address)

    def datagram_received(self, datagram, address):
        """"an answer counts only if it comes from the address and port that was asked and bears the transaction of an open request"."""
        frame = Frame.decode(datagram)
        if frame and frame.flags & ANSWER:          # requests to us: "or not at all"
            call = self.calls.get((address[:2], frame.transaction))
            if call:                                # whatever its tag: `wrong-overlay` comes "under the answerer's own"
                call.frames.put_nowait(frame)

    async def call(self, member, message):
        if member.vnode:
            message = {**message, 10: member.vnode}     # "whoever asks a peer whose vnode isn't 0 sends it"
        call = Call(self, member.address, message)
        self.calls[member.address, call.transaction] = call
        try:
            return await call.run()
        finally:
            del self.calls[member.address, call.transaction]


# =====================================================================================================================================
# lsp.md "Messages" and "Errors"
# =====================================================================================================================================

FIND, QUERY, PUBLISH = 2, 3, 4
FOUND, HELD, PUBLISHED, ERROR = 3, 4, 5, 11
ERRORS = ["malformed", "unsupported-version", "wrong-overlay", "not-mine", "retry", "stale", "quota", "refused", "too-large", "not-member",
          "id-alive-elsewhere", "constants-differ", "unsupported"]


def error_of(answer):
    """The name of the error, or None. "A code not in this list is to be read as `refused`"."""
    if answer[0] != ERROR:
        return None
    code = answer.get(21)
    return ERRORS[code] if isinstance(code, int) and 0 <= code < len(ERRORS) else "refused"


def byte_strings(answer, key):
    items = answer.get(key, [])
    return [b for b in items if isinstance(b, bytes)] if isinstance(items, list) else []


# =====================================================================================================================================
# lsp.md "Descriptor": "Who a member is and where it listens"
# =====================================================================================================================================

@dataclass(frozen=True)
class Member:
    address: tuple
    id: bytes | None = None                         # None: a seed, of which only the address is known
    name: str = ""
    vnode: int = 0


def open_descriptor(raw, overlay, family):
    """"Check the signature and take the id from its fields (never from elsewhere)": a Member, or None."""
    try:
        protected, unprotected, payload, signature = uncbor(raw)
        peer = uncbor(payload)
        domain, selector, vnode, key, endpoints = (peer[i] for i in range(1, 6))
        if protected != b"\xa1\x01\x27" or unprotected != {} or len(raw) > 512:
            return None
        if not ed25519_verify(key, cbor(["Signature1", protected, cbor(["lsp-peer", overlay]), payload]), signature):
            return None
        size = 6 if family == socket.AF_INET else 18
        end = next(e for e in endpoints if len(e) == size)      # "Send to the endpoint of a family that one's socket has"
        address = str(ipaddress.ip_address(end[:-2])), int.from_bytes(end[-2:], "big")
        return Member(address, H("lsp-node", overlay, domain, selector, vnode)[:20], f"{domain}/{selector}", vnode)
    except (LspError, KeyError, TypeError, ValueError, StopIteration):
        return None


# =====================================================================================================================================
# lsp.md "How a client behaves"
# =====================================================================================================================================

def distance(member_id, key):
    """Clockwise from a member to a key. "*p* is closer to a key than *q* if *p* is the key or lies between *q* and the key"."""
    return (int.from_bytes(key, "big") - int.from_bytes(member_id, "big")) % 2**160


def jitter(seconds):
    return seconds * random.uniform(0.5, 1.5)       # ± 50 %


class Client:
    def __init__(self, link, overlay, seeds, family, timeout=None):
        self.link, self.overlay, self.family = link, overlay, family
        self.seeds = [Member(address) for address in seeds]
        self.timeout, self.size, self.descriptors = timeout, 1, {}
        self.clock = asyncio.get_running_loop().time

    async def ask(self, member, message):
        answer = await self.link.call(member, message)
        if isinstance(answer.get(1), int):
            self.size = max(1, answer[1])           # the size estimate N
        return answer

    def members(self, answer, key):
        out = []
        for raw in byte_strings(answer, key):
            if raw not in self.descriptors:
                self.descriptors[raw] = open_descriptor(raw, self.overlay, self.family)
            if self.descriptors[raw]:
                out.append(self.descriptors[raw])
        return out

    # --- 3. FIND ---------------------------------------------------------------------------------------------------------------------
    async def find(self, key, start=()):
        """The replica set of a key, the owner first; asks `start` first, then the seeds."""
        todo, named = [*start, *self.seeds], set()
        pending, late, answered, silent, why = {}, set(), 0, 0, []
        try:
            while True:
                steps = 2 * ((self.size - 1).bit_length() + 5)
                while todo and len(pending) - len(late) < 2 and answered + len(pending) < steps and silent < 2 * steps:
                    member = todo.pop(0)
                    pending[asyncio.ensure_future(self.ask(member, {0: FIND, 1: key}))] = member
                if not pending:
                    break
                hedge = max(self.link.peers[m.address].hedge() if m.address in self.link.peers else 0.3 for m in pending.values())
                done, rest = await asyncio.wait(pending, timeout=hedge, return_when=asyncio.FIRST_COMPLETED)
                late = late & rest if done else set(rest)       # "one that is late gives its place to the next"
                for task in done:
                    member = pending.pop(task)
                    try:
                        answer = task.result()
                    except (Nobody, Malformed) as error:
                        silent += 1
                        why.append(error)
                        continue
                    answered += 1
                    if answer[0] == FOUND and (replicas := self.members(answer, 3)):
                        return replicas
                    if error_of(answer) == "wrong-overlay":
                        why.append(Nobody(f"{member.address[0]}:{member.address[1]} belongs to another overlay"))
                    for peer in self.members(answer, 4) + self.members(answer, 23):     # field 4, or 23 of an error
                        if peer.id not in named and (member.id is None or distance(peer.id, key) < distance(member.id, key)):
                            named.add(peer.id)      # "none twice, each closer to the key than who named it"
                            todo.append(peer)
                    todo.sort(key=lambda m: distance(m.id, key) if m.id else 2**160)    # closest first
        finally:
            for task in pending:
                task.cancel()
        raise Nobody("; ".join(map(str, why)) or "no member of the overlay says who holds the key")

    # --- 4. QUERY --------------------------------------------------------------------------------------------------------------------
    async def query(self, key):
        """The union of the entries that the replicas hold, and whether anything was shown. Raises Nobody: can't say."""
        end = self.clock() + (self.timeout or 3.0)
        try:
            async with asyncio.timeout_at(end):
                return await self._query(key, state := {"entries": {}, "shown_at": None})
        except TimeoutError:
            if state["shown_at"] is not None:       # "At the deadline: what was shown, if anything; else "can't say", never "none""
                return list(state["entries"]), True
            raise Nobody("the replicas can't say at present") from None

    async def _query(self, key, state):
        entries, good, start, backoff = state["entries"], {}, [], 0.04     # good: by member id, None for a showing, replicas for a denial
        while True:
            replicas = await self.find(key, start)
            ids = {m.id for m in replicas}
            good = {i: d for i, d in good.items() if d is None or d == ids}     # "A denial whose replicas differ ... is dropped"
            todo, pending, late, start = [m for m in replicas if m.id not in good], {}, set(), []
            try:
                while True:
                    if (verdict := self._verdict(replicas, good, state, not todo and not pending)) is not None:
                        return list(entries), verdict
                    waiting = len(pending) - len(late)
                    # two at once; the third "when one of them is late, silent, answers with an error or isn't settled" - or disagrees
                    while todo and (len(good) + waiting < 2 or not pending):
                        member = todo.pop(0)
                        pending[asyncio.ensure_future(self.ask(member, {0: QUERY, 1: key}))] = member
                        waiting += 1
                    if not pending:
                        break
                    hedge = max(self.link.peers[m.address].hedge() if m.address in self.link.peers else 0.3 for m in pending.values())
                    if state["shown_at"] is not None:
                        hedge = min(hedge, max(0.001, state["shown_at"] + 0.7 - self.clock()))
                    done, rest = await asyncio.wait(pending, timeout=hedge, return_when=asyncio.FIRST_COMPLETED)
                    late = late & rest if done else set(rest)
                    for task in done:
                        member = pending.pop(task)
                        try:
                            answer = task.result()
                        except (Nobody, Malformed):
                            continue
                        if error_of(answer) == "not-mine":
                            start += self.members(answer, 23)
                        if answer[0] != HELD:
                            continue
                        seen, held_by, settled = byte_strings(answer, 5), self.members(answer, 3), answer.get(19, True) is True
                        entries.update(dict.fromkeys(seen))
                        if seen and not answer.get(3):                          # a showing
                            state["shown_at"] = self.clock() if state["shown_at"] is None else state["shown_at"]
                            if settled:
                                good[member.id] = None
                        elif settled and held_by:                               # a denial
                            good[member.id] = {m.id for m in held_by}
            finally:
                for task in pending:
                    task.cancel()
            await asyncio.sleep(jitter(backoff))                                # "Neither, and all were asked"
            backoff = min(0.5, 2 * backoff)

    def _verdict(self, replicas, good, state, exhausted):
        """True: found. False: none. None: not yet."""
        denials = {i: d for i, d in good.items() if d is not None}
        n = max([len(replicas), *map(len, denials.values())])
        if state["shown_at"] is not None:
            return True if len(good) >= min(2, n) or exhausted or self.clock() >= state["shown_at"] + 0.7 else None
        if n == 1:
            return False if any(i in d for i, d in denials.items()) else None
        # "two denials are in each of which has the other's sender among its replicas"
        return False if any(b in denials[a] and a in denials[b] for a, b in itertools.combinations(denials, 2)) else None

    # --- 5. PUBLISH ------------------------------------------------------------------------------------------------------------------
    async def publish(self, key, entries):
        """Stores at a majority. Returns the union of what they show, and a coroutine that goes on with the replicas left out."""
        loop, end = asyncio.get_running_loop(), self.clock() + (self.timeout or 5.0)
        events, tasks, acks, wont = asyncio.Queue(), {}, {}, {}         # acks: member id -> (replica ids, entries, settled)

        async def worker(member):
            backoff = 0.05
            while True:
                try:
                    answer = await self.ask(member, {0: PUBLISH, 1: key, 2: entries})
                    error = error_of(answer) or ("" if answer[0] == PUBLISHED else "retry")
                except (Nobody, Malformed):
                    answer, error = {}, "retry"
                except Refused as refusal:                  # it needs more than 16 parts: "A message that needs more than 16 parts isn't sent"
                    answer, error = {22: str(refusal)}, "too-large"
                events.put_nowait((member, error, answer))
                if error in ("", "stale", "quota", "refused", "too-large", "malformed"):
                    return
                await asyncio.sleep(jitter(backoff))        # "the same replica again after 50 ms, doubled each time up to 1 s, ± 50 %"
                backoff = min(1.0, 2 * backoff)

        async def step(until):
            """One event. Returns the peers to FIND from if the replica set is another than we thought, else None."""
            member, error, answer = await asyncio.wait_for(events.get(), max(0.001, until - self.clock()))
            if error == "":
                acks[member.id] = {i for i in byte_strings(answer, 6)}, byte_strings(answer, 5), answer.get(19, True) is True
                return [] if acks[member.id][0] - set(tasks) else None
            if error == "stale":                            # "decides: the publication fails, whoever else acknowledged"
                raise Refused("stale: a publication of the same series with a higher seq is held")
            if error in ("quota", "refused", "too-large", "malformed"):
                wont[member.id] = f"{member.name}: {error}: {answer.get(22, '')}"
            return self.members(answer, 23) if error in ("not-mine", "not-member") else None

        async def look(start=()):
            try:
                async with asyncio.timeout_at(end):
                    found = await self.find(key, start)
            except TimeoutError:
                raise Nobody("not stored, as far as one can know") from None
            for member in found:
                if member.id not in tasks:
                    tasks[member.id] = asyncio.ensure_future(worker(member))
            return found

        def majority(some, of):
            return len(set(some) & set(of)) >= len(of) // 2 + 1

        def stored(ids):
            """"a set of acknowledgements that is a majority of the replicas that FIND gave *and* of [those] in field 6 of each" in it."""
            for size in range(len(acks), 0, -1):
                for some in itertools.combinations(acks, size):
                    if majority(some, ids) and all(majority(some, acks[i][0]) for i in some):
                        return some
            return None

        async def afterwards():                             # "go on with the replicas left out for up to 10 s"
            rest, until = [t for t in tasks.values() if not t.done()], loop.time() + 10
            if rest:
                await asyncio.wait(rest, timeout=max(0, until - loop.time()))
            for task in tasks.values():
                task.cancel()

        relocations, counted, patience = 0, None, None
        try:
            replicas = await look()
            while True:
                ids = [m.id for m in replicas]
                if (counted := stored(ids)) and patience is None:
                    patience = min(end, self.clock() + 0.5) # "wait up to 500 ms for one that is settled"
                if counted and (any(acks[i][2] for i in counted) or self.clock() >= patience):
                    return list(dict.fromkeys(e for i in counted for e in acks[i][1])), afterwards
                if wont and len(set(ids) - set(wont)) < len(ids) // 2 + 1:
                    raise Refused("; ".join(sorted(wont.values())))
                try:
                    start = await step(patience or end)
                except TimeoutError:
                    if counted:
                        continue
                    raise Nobody("not stored, as far as one can know") from None
                if start is not None and relocations < 6:
                    relocations += 1
                    replicas = await look(start)
        except LspError:
            for task in tasks.values():
                task.cancel()
            raise


# =====================================================================================================================================
# lsp-entry.md "From a URI to a name"
# =====================================================================================================================================

UNRESERVED = re.compile(r"[A-Za-z0-9\-_.!~*'()]")


def host_form(host):
    """"without port, brackets and a trailing dot, in lower case; other scripts as A-labels (IDNA); an IPv6 literal in the form of RFC 5952"."""
    if host.startswith("["):
        address = ipaddress.IPv6Address(host[1:host.index("]")].split("%")[0])
        return f"::ffff:{address.ipv4_mapped}" if address.ipv4_mapped else str(address)     # RFC 5952 §5
    host = re.sub("[\u3002\uff0e\uff61]", ".", host.split(":")[0]).removesuffix(".")
    # "UTS 46, non-transitional": Python's own codec is IDNA 2003, which has no ß
    labels = [unicodedata.normalize("NFKC", label.lower()) for label in host.split(".")]
    host = ".".join(label if label.isascii() else "xn--" + label.encode("punycode").decode() for label in labels)
    if not re.fullmatch(r"(?!.*\.\.)[a-z0-9_.-]{1,253}", host) or any(len(label) > 63 for label in host.split(".")):
        raise ValueError(f"{host}: no host")
    return host


def unescape(text):
    if re.search("%(?![0-9A-Fa-f]{2})", text):
        raise ValueError("a % without two hex digits")
    return re.sub(rb"%([0-9A-Fa-f]{2})", lambda m: bytes([int(m[1], 16)]), text.encode()).decode()


@dataclass(frozen=True)
class Name:
    scheme: str
    user: str
    domain: str

    @classmethod
    def of(cls, uri):
        try:
            scheme, rest = uri.split(":", 1)
            scheme = {"sips": "sip"}.get(scheme.lower(), scheme.lower())
            user, rest = rest.split("@", 1)
            host = re.match(r"\[[^\]]*\]|[^;?/:#]*", rest)[0]
            user = unescape(user.split(":")[0] if scheme == "sip" else user)
            name = cls(scheme, user, host_form(host))
        except (ValueError, UnicodeError):
            raise Usage(f"{uri}: no name to look up (scheme:user@host)") from None
        if not 1 <= len(user.encode("utf-16-le")) // 2 <= 512 or not re.fullmatch("[a-z][a-z0-9+.-]*", scheme):   # "UTF-16 units"
            raise Usage(f"{uri}: no name to look up (scheme:user@host)")
        return name

    # --- "What is derived from the name" ---------------------------------------------------------------------------------------------
    @property
    def user_hash(self): return H("lsp-user", self.scheme, self.user, self.domain)
    @property
    def key(self): return key_of(self.domain, self.user_hash)
    @property
    def secret(self): return H("lsp-secret", self.scheme, self.user, self.domain)

    def mac(self, *array):
        return hmac.digest(self.secret, cbor(array), "sha256")[:16]

    def contact_id(self, contact): return self.mac("lsp-contact", canonical(contact))
    def series(self, text): return self.mac("lsp-series", text)


def key_of(domain, user_hash):
    return H("lsp-key", domain, user_hash)[:20]


def canonical(uri):
    """"a canonical form, in which equal contacts are equal texts"."""
    scheme, colon, rest = uri.partition(":")
    if not colon or scheme.lower() not in ("sip", "sips"):
        return uri                                  # "any other stands for itself, byte for byte"

    def escapes(text):                              # "%HH of the unreserved characters undone, the other escapes in upper case"
        return re.sub(r"%[0-9A-Fa-f]{2}", lambda m: c if UNRESERVED.match(c := chr(int(m[0][1:], 16))) else m[0].upper(), text)

    lower = lambda text: escapes(text).lower()      # "what is left escaped in them too"
    user, at, rest = rest.rpartition("@")
    rest, question, headers = rest.partition("?")
    host, *parameters = rest.split(";")
    port = re.search(r":\d+$", host)
    form = host_form(host)
    out = scheme.lower() + ":" + escapes(user) + at + (f"[{form}]" if ":" in form else form) + (f":{int(port[0][1:])}" if port else "")
    out += "".join(";" + p for p in sorted(set(map(lower, parameters))))
    if question:
        pairs = (h.partition("=") for h in headers.split("&"))
        out += "?" + "&".join(sorted(lower(name) + eq + escapes(value) for name, eq, value in pairs))
    return out


# =====================================================================================================================================
# lsp-entry.md "Signature": Ed25519 (RFC 8032 §5.1), and whose key it is
# =====================================================================================================================================

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROOT_OF_MINUS_1 = pow(2, (P - 1) // 4, P)


def point_add(p, q):                                # extended coordinates (X, Y, Z, T): x = X/Z, y = Y/Z, xy = T/Z (RFC 8032 §5.1.4)
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def point_mul(n, p):
    q = (0, 1, 1, 0)
    while n:
        if n & 1:
            q = point_add(q, p)
        p, n = point_add(p, p), n >> 1
    return q


def point_encode(p):
    z = pow(p[2], -1, P)
    x, y = p[0] * z % P, p[1] * z % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def point_decode(raw):                              # RFC 8032 §5.1.3; None if it is no point
    y = int.from_bytes(raw, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    if len(raw) != 32 or y >= P:
        return None
    xx = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(xx, (P + 3) // 8, P)
    if (x * x - xx) % P:
        x = x * ROOT_OF_MINUS_1 % P
    if (x * x - xx) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


BASE = point_decode((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


def sha512_int(*parts):
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little") % L


def ed25519_expand(private):
    h = hashlib.sha512(private).digest()
    return int.from_bytes(h[:32], "little") & (1 << 254) - 8 | 1 << 254, h[32:]


def ed25519_public(private):
    return point_encode(point_mul(ed25519_expand(private)[0], BASE))


def ed25519_sign(private, message):
    a, prefix = ed25519_expand(private)
    public = point_encode(point_mul(a, BASE))
    r = sha512_int(prefix, message)
    R = point_encode(point_mul(r, BASE))
    return R + ((r + sha512_int(R, public, message) * a) % L).to_bytes(32, "little")


def ed25519_verify(public, message, signature):
    A, R, s = point_decode(public), point_decode(signature[:32]), int.from_bytes(signature[32:], "little")
    if A is None or R is None or s >= L or len(signature) != 64:
        return False
    h = sha512_int(signature[:32], public, message)
    return point_encode(point_mul(s, BASE)) == point_encode(point_add(R, point_mul(h, A)))


def signature_input(overlay, payload):
    """"over the deterministic CBOR of `["Signature1", h'a10127', overlay-id, payload]`", overlay-id as bytes."""
    return cbor(["Signature1", b"\xa1\x01\x27", overlay.encode(), payload])


def read_trust(path):
    """"The trust file is YAML: `DOMAIN: { SELECTOR: BASE64 }`": just that, a domain a line."""
    trust = {}
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.readlines()
    except (OSError, ValueError) as error:
        raise Usage(str(error)) from None
    for number, line in enumerate(lines, 1):
        line = re.sub(r"(^|\s)#.*", "", line).strip()
        if not line or line == "---":
            continue
        entry = re.fullmatch(r"""["']?([^"'{}\s]+?)["']?\s*:\s*\{(.*)\}""", line)
        pairs = [re.fullmatch(r"""\s*["']?(\d+)["']?\s*:\s*["']?([A-Za-z0-9+/=]+)["']?\s*""", p) for p in entry[2].split(",")] if entry else []
        if not pairs or None in pairs:
            raise Usage(f"{path}:{number}: not DOMAIN: {{ SELECTOR: BASE64 }}")
        trust[entry[1].lower()] = {int(p[1]): base64.b64decode(p[2]) for p in pairs}
    return trust


def domain_key(domain, selector, trust):
    """The key that a domain publishes; None if it has none; raises Nobody if that can't be known here."""
    label = domain.removesuffix(".lsp.alt")
    if label != domain:                             # "the label itself, the public key in base32", lower case, 52 characters, spare bits zero
        if not re.fullmatch(r"[a-z2-7]{52}", label):
            return None
        key = base64.b32decode(label.upper() + "====")
        return key if base64.b32encode(key).decode().lower().rstrip("=") == label else None
    if domain in trust:                             # "a domain it lists is the file's alone"
        return trust[domain].get(selector)
    raise Nobody(f"the trust file doesn't have {domain}, and DNS is not asked: its bindings can't be verified")


def read_private_key(path):
    """PKCS#8 (RFC 8410) in PEM: sixteen bytes that say "Ed25519", then the 32 of the key."""
    try:
        with open(path) as file:
            der = base64.b64decode("".join(line for line in file.read().split("\n") if not line.startswith("-----")))
    except (OSError, ValueError) as error:
        raise Usage(f"{path}: {error}") from None
    if not der.startswith(bytes.fromhex("302e020100300506032b657004220420")) or len(der) != 48:
        raise Usage(f"{path}: not an Ed25519 key in PKCS#8")
    return der[16:]


# =====================================================================================================================================
# lsp-entry.md "Seal": AEAD_CHACHA20_POLY1305 (RFC 8439), HKDF-SHA-256 (RFC 5869)
# =====================================================================================================================================

def chacha20(key, counter, nonce, data):
    def quarter(a, b, c, d):
        for x, y, z, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            s[x] = (s[x] + s[y]) & 0xffffffff
            w = s[z] ^ s[x]
            s[z] = (w << turn | w >> 32 - turn) & 0xffffffff
    out = b""
    for block in range(0, len(data), 64):
        start = struct.unpack("<16I", b"expand 32-byte k" + key + struct.pack("<I", counter + block // 64) + nonce)
        s = list(start)
        for _ in range(10):
            for i in range(4):
                quarter(i, 4 + i, 8 + i, 12 + i)
            for i in range(4):
                quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
        stream = struct.pack("<16I", *((a + b) & 0xffffffff for a, b in zip(s, start)))
        out += bytes(a ^ b for a, b in zip(data[block:block + 64], stream))
    return out


def poly1305_tag(key, nonce, ciphertext, associated):
    one_time = chacha20(key, 0, nonce, bytes(32))
    r = int.from_bytes(one_time[:16], "little") & 0x0ffffffc0ffffffc0ffffffc0fffffff
    pad16 = lambda data: data + bytes(-len(data) % 16)
    data = pad16(associated) + pad16(ciphertext) + struct.pack("<QQ", len(associated), len(ciphertext))
    total = 0
    for i in range(0, len(data), 16):
        total = (total + int.from_bytes(data[i:i + 16] + b"\1", "little")) * r % (2**130 - 5)
    return ((total + int.from_bytes(one_time[16:], "little")) % 2**128).to_bytes(16, "little")


def seal_key(secret, salt):
    prk = hmac.digest(salt, secret, "sha256")
    return hmac.digest(prk, b"lsp-seal\x01", "sha256")


def seal(secret, core, plain, salt=None):
    salt = salt or os.urandom(16)
    key, nonce = seal_key(secret, salt), bytes(12)
    ciphertext = chacha20(key, 1, nonce, plain)
    return salt + ciphertext + poly1305_tag(key, nonce, ciphertext, core)


def unseal(secret, core, sealed):
    if len(sealed) < 32:
        return None
    salt, ciphertext, tag = sealed[:16], sealed[16:-16], sealed[-16:]
    key, nonce = seal_key(secret, salt), bytes(12)
    if not hmac.compare_digest(tag, poly1305_tag(key, nonce, ciphertext, core)):
        return None
    return chacha20(key, 1, nonce, ciphertext)


# =====================================================================================================================================
# lsp-entry.md "Structure"
# =====================================================================================================================================

BINDING, REMOVAL, REMOVAL_OF_ALL = 0, 1, 2
LMAX, SKEW = 3600, 60                               # seconds


def sign_entry(core, sealed, private, overlay):
    core = cbor(core)
    payload = cbor([core, sealed and hashlib.sha256(sealed).digest()])
    return cbor([b"\xa1\x01\x27", {}, payload, ed25519_sign(private, signature_input(overlay, payload)), sealed])


@dataclass(frozen=True)
class Entry:
    raw: bytes
    head: bytes                                     # "bytes up to the fifth item"
    core: bytes
    payload: bytes
    signature: bytes
    sealed: bytes | None
    domain: str
    user_hash: bytes
    selector: int
    kind: int
    binding_id: bytes | None
    contact_id: bytes | None
    series: bytes
    seq: int
    version: int
    lifetime: int

    @classmethod
    def decode(cls, raw):
        """Form alone; raises Malformed. (Entries have 64-bit integers: `version`.)"""
        try:
            if len(raw) > 800:
                raise Malformed("more than 800 bytes")
            protected, unprotected, payload, signature, sealed = uncbor(raw, 2**64 - 1)
            core, seal_hash = uncbor(payload, 2**64 - 1)
            fields = uncbor(core, 2**64 - 1, 4, anything=True)
            domain, user_hash, selector, kind, series, seq, version, lifetime = (fields[i] for i in (1, 2, 3, 4, 7, 8, 9, 10))
            one = kind != REMOVAL_OF_ALL
            size = lambda value, n: isinstance(value, bytes) and len(value) == n
            uint = lambda value, top: type(value) is int and 0 <= value <= top
            if not all((protected == b"\xa1\x01\x27", unprotected == {}, size(signature, 64), isinstance(domain, str), size(user_hash, 32),
                        uint(selector, 15), uint(kind, 2), size(series, 16), uint(seq, 2**32 - 1), uint(version, 2**64 - 1),
                        uint(lifetime, 2**32 - 1), (lifetime > 0) == (kind == BINDING), len(fields) <= 32,
                        all(type(k) is int and 1 <= k <= 65535 for k in fields),
                        size(fields.get(5), 16) == one and size(fields.get(6), 16) == one, (5 in fields) == one == (6 in fields),
                        size(seal_hash, 32) if kind == BINDING else seal_hash is None,
                        sealed is None or kind == BINDING and isinstance(sealed, bytes))):
                raise Malformed("not an entry")
            if sealed is not None and hashlib.sha256(sealed).digest() != seal_hash:
                raise Malformed("`sealed` has another hash")
        except (ValueError, TypeError, KeyError, AttributeError):
            raise Malformed("not an entry") from None
        return cls(raw, raw[:len(raw) - len(cbor(sealed))], core, payload, signature, sealed, domain, user_hash, selector, kind,
                   fields.get(5), fields.get(6), series, seq, version, lifetime)

    def verified(self, overlay, trust):
        key = domain_key(self.domain, self.selector, trust)
        return key is not None and ed25519_verify(key, signature_input(overlay, self.payload), self.signature)

    @property
    def expires(self):                              # "Expiry of a binding: version's milliseconds + 1000 · lifetime"
        return (self.version >> 16) / 1000 + self.lifetime
    @property
    def issue(self): return self.seq, self.version, self.selector, self.head
    @property
    def age(self): return self.version, self.selector, self.head


# =====================================================================================================================================
# lsp-entry.md "Reading" and "Merge"
# =====================================================================================================================================

def verify_all(raws, key, overlay, trust):
    """Reading, 1 and 2: the entries that count, "each spelling once"."""
    out = []
    for raw in list(dict.fromkeys(raws))[:8 * 24]:
        try:
            entry = Entry.decode(raw)
        except Malformed:
            continue
        if key_of(entry.domain, entry.user_hash) == key and entry.lifetime <= LMAX and entry.verified(overlay, trust):
            out.append(entry)
    return out


def buries(removal, binding):
    """Merge, 2."""
    if removal.kind == REMOVAL and removal.binding_id != binding.binding_id and removal.contact_id != binding.contact_id:
        return False
    if removal.series != binding.series:
        return removal.version > binding.version
    return removal.seq > binding.seq or removal.seq == binding.seq and (removal.kind == REMOVAL_OF_ALL or removal.version > binding.version)


def greatest(entries, group, order):
    best = {}
    for entry in entries:
        if group(entry) not in best or order(entry) > order(best[group(entry)]):
            best[group(entry)] = entry
    return list(best.values())


def merge(entries):
    """The states, and the removals, of a set of verified entries of one name."""
    entries = list({e.head: e for e in sorted(entries, key=lambda e: e.sealed is not None)}.values())   # of one record the whole one
    issue, age = (lambda e: e.issue), (lambda e: e.age)
    per_contact = lambda e: (e.binding_id, e.contact_id, e.series)
    removals = [e for e in entries if e.kind != BINDING]
    removals = list(dict.fromkeys(greatest(removals, per_contact, issue) + greatest(removals, per_contact, age)))
    bindings = greatest([e for e in entries if e.kind == BINDING], lambda e: (e.binding_id, e.series), issue)
    bindings = [b for b in bindings if not any((r.binding_id, r.series) == (b.binding_id, b.series) and buries(r, b) for r in removals)]
    # Caps: 4 series of a binding-id, and of the removals of all (which have none), 24 records, newest by age
    kept, series = [], {}
    for e in sorted(bindings + removals, key=age, reverse=True):
        known = series.setdefault(e.binding_id, [])
        if e.series not in known:
            known.append(e.series)
        if e.series in known[:4] and len(kept) < 24:
            kept.append(e)
    was_buried = {b for b in bindings if any(buries(r, b) for r in removals)}
    removals = [r for r in removals if r in kept]
    bindings = [b for b in bindings if b in kept and b not in was_buried]       # (those still buried are no states, the others fall off)
    return greatest(bindings, lambda e: e.binding_id, age), removals


def read(raws, name, overlay, trust, now=None):
    """Reading, 3: what is shown of the answers: (q in thousandths, expiry, contact) best first."""
    now, out = time.time() if now is None else now, []
    states, _ = merge(verify_all(raws, name.key, overlay, trust))
    for state in sorted((s for s in states if s.expires > now), key=lambda s: s.age, reverse=True)[:10]:
        plain = state.sealed and unseal(name.secret, state.core, state.sealed)
        try:
            contact = uncbor(plain) if plain else {}
            if isinstance(contact[1], str):         # "one that doesn't open is not shown"
                out.append((contact.get(5, 1000), state.expires, contact[1], state))
        except (Malformed, KeyError, TypeError):
            continue
    return sorted(out, key=lambda b: -b[0])         # "best q first, of equal q the newest"


# =====================================================================================================================================
# lsp-entry.md "Publishing"
# =====================================================================================================================================

@dataclass
class Signer:
    private: bytes
    domain: str
    selector: int
    overlay: str
    trust: dict = field(default_factory=dict)

    def __post_init__(self):
        self.trust = {d: dict(keys) for d, keys in self.trust.items()}
        self.trust.setdefault(self.domain, {})[self.selector] = ed25519_public(self.private)    # "its own key, for its own domains"


async def change(client, name, signer, contacts=(), expires=0, q=None):
    """One publication: bindings (expires > 0), the removal of contacts, or of all (no contact)."""
    kind = BINDING if expires else REMOVAL if contacts else REMOVAL_OF_ALL
    # 2. "a source that lost count takes ... seconds since 1970". This one remembers nothing, so what it published before is learnt from
    #    the ring: two publications in one second have different seqs, and the series stays the same from run to run.
    series = name.series(f"lsp_client.py {getpass.getuser()}@{socket.gethostname()} {signer.domain}/{signer.selector}")
    try:
        before = verify_all((await client.query(name.key))[0], name.key, signer.overlay, signer.trust)
    except Nobody:
        before = []
    seq = max([int(time.time()), *(e.seq + 1 for e in before if e.series == series)])
    last = max([e.version for e in before if e.selector == signer.selector and e.series == series], default=0)
    for attempt in (1, 2):
        now = int(time.time() * 1000) << 16
        version = max(now, last + 1)                # 3.
        if version - now > SKEW * 1000 << 16:
            if attempt == 2:
                raise Refused("another signer's clock is too far ahead")
            version = now
        ahead = -(-((version >> 16) - (now >> 16)) // 1000)
        raws = []
        for contact in contacts or [None]:          # 4. "Everything under the name: kind 2, without ids, alone in its publication"
            core = {1: name.domain, 2: name.user_hash, 3: signer.selector, 4: kind, 7: series, 8: seq, 9: version,
                    10: max(1, expires - ahead) if expires else 0}
            if contact is not None:                 # "without the instance give the contact-id twice"
                core |= {5: name.contact_id(contact), 6: name.contact_id(contact)}
            sealed = None
            if expires:
                form = canonical(contact)
                plain = {1: contact} | ({2: form} if form != contact else {}) | ({5: q} if q is not None else {})
                sealed = seal(name.secret, cbor(core), cbor(plain))
            raws.append(sign_entry(core, sealed, signer.private, signer.overlay))
        if max(map(len, raws)) > 800 or len(raws) > 24:
            raise Usage("an entry is at most 800 bytes, a publication at most 24 entries")
        shown, afterwards = await client.publish(name.key, raws)                # 5.
        seen = verify_all([*shown, *raws], name.key, signer.overlay, signer.trust)
        mine, states = [Entry.decode(raw) for raw in raws], merge(seen)[0]
        if all(took_effect(entry, states) for entry in mine):                   # 6.
            return mine[0], afterwards
        last = max(e.version for e in seen)         # "move the hybrid clock past the greatest version seen ... and publish once more"
    raise Refused("stored, but without effect: another signer's clock is ahead")


def took_effect(mine, states):
    if mine.kind == BINDING:
        state = next((s for s in states if s.binding_id == mine.binding_id), None)
        return state is not None and state.series == mine.series and state.seq >= mine.seq
    matched = [s for s in states if s.expires > time.time() and
               (mine.kind == REMOVAL_OF_ALL or mine.binding_id == s.binding_id or mine.contact_id == s.contact_id)]
    return all(s.series == mine.series and s.seq >= mine.seq for s in matched)


# =====================================================================================================================================
# The command line
# =====================================================================================================================================

def endpoint(text):
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit():
        raise argparse.ArgumentTypeError("HOST:PORT")
    return host.strip("[]"), int(port)


def arguments(argv):
    parser = argparse.ArgumentParser(prog="lsp_client.py", description=__doc__.split("\n")[0])
    sub = parser.add_subparsers(dest="command", required=True)
    for command in ("find", "lookup", "publish", "withdraw"):
        p = sub.add_parser(command)
        p.add_argument("uri")
        p.add_argument("--via", type=endpoint, action="append", help="HOST:PORT of a member (repeatable)")
        p.add_argument("--overlay", default="lsp")
        p.add_argument("--timeout", type=float, help="seconds (3 for a lookup, 5 for a publication)")
        p.add_argument("--trust", help="the domains' keys: DOMAIN: { SELECTOR: BASE64 }")
        p.add_argument("--json", action="store_true")
        if command in ("publish", "withdraw"):
            p.add_argument("contact", nargs="+" if command == "publish" else "*")
            p.add_argument("--key", required=True)
            p.add_argument("--domain", help="the URI's if left out")
            p.add_argument("--selector", type=int, default=0)
        if command == "publish":
            p.add_argument("--expires", type=int, required=True)
            p.add_argument("--q", type=float)
    args = parser.parse_args(argv)
    if not 0 <= getattr(args, "selector", 0) <= 15 or not 1 <= getattr(args, "expires", 1) <= LMAX or not 0 <= (getattr(args, "q", 0) or 0) <= 1:
        parser.error("--selector is 0 to 15, --expires 1 to 3600, --q 0 to 1")
    return args


async def main(args):
    name = Name.of(args.uri)
    trust = read_trust(args.trust) if args.trust else {}
    seeds, family = [], None
    for host, port in args.via or [("127.0.0.1", 7184)]:
        try:
            kind, _, _, _, address = socket.getaddrinfo(host, port, family or 0, socket.SOCK_DGRAM)[0]
        except OSError as error:
            raise Usage(f"{host}: {error.strerror}") from None
        family = family or kind                     # "an overlay is of one family"
        seeds.append(address[:2])
    loop = asyncio.get_running_loop()
    _, link = await loop.create_datagram_endpoint(lambda: Link(args.overlay), family=family, local_addr=("::" if family == socket.AF_INET6 else "0.0.0.0", 0))
    client = Client(link, args.overlay, seeds, family, args.timeout)
    stamp = lambda t: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(t))

    if args.command == "find":
        try:
            async with asyncio.timeout(args.timeout or 3.0):
                replicas = await client.find(name.key)
        except TimeoutError:
            raise Nobody("no member of the overlay answers") from None
        for m in replicas:
            print(m.id.hex(), f"{m.name}" + (f"/{m.vnode}" if m.vnode else ""), f"{m.address[0]}:{m.address[1]}", sep="\t")
    elif args.command == "lookup":
        raws, _ = await client.query(name.key)
        bindings = read(raws, name, args.overlay, trust)
        if args.json:
            print(json.dumps({"uri": args.uri, "bindings": [{"contact": c, "q": q / 1000, "expires": stamp(t)} for q, t, c, _ in bindings]}))
        elif bindings:
            print("contact", "q", "expires", sep="\t")
            for q, t, contact, _ in bindings:
                print(contact, f"{q / 1000:g}", f"{stamp(t)} ({round(t - time.time())} s)", sep="\t")
        if not bindings:
            raise NoneFound(f"nothing is bound to {args.uri}")
    else:
        signer = Signer(read_private_key(args.key), host_form(args.domain or name.domain), args.selector, args.overlay, trust)
        if signer.domain != name.domain:
            raise Usage(f"--domain {signer.domain} can't sign for {args.uri}: the domain of an entry is its name's")
        q = None if getattr(args, "q", None) is None else round(args.q * 1000)
        entry, afterwards = await change(client, name, signer, args.contact, getattr(args, "expires", 0), q)
        what = {BINDING: "published", REMOVAL: "withdrawn", REMOVAL_OF_ALL: "all withdrawn"}[entry.kind]
        print(what, args.uri, *args.contact, f"until {stamp(entry.expires)}" if entry.kind == BINDING else "", flush=True)
        await afterwards()


if __name__ == "__main__":
    try:
        asyncio.run(main(arguments(sys.argv[1:])))
    except LspError as error:
        print(f"lsp_client.py: {error}", file=sys.stderr)
        sys.exit(error.code)
