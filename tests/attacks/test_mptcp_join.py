# SPDX-License-Identifier: GPL-2.0-or-later
"""A further path of an MPTCP connection (MP_JOIN) goes to whose connection it is: not to who listens on the port."""

import subprocess

from attack import Attack

OTHER = "10.99.0.3"

# The peer: a server of MPTCP whose keys are read from the wire, and a further path, made by hand, from another address.
PEER = """
import hashlib, hmac, socket, struct, sys, time
OTHER, HOST = "10.99.0.3", "10.99.0.1"
wire = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x800)); wire.settimeout(0.3)
def tcp_of(p):
    if p[9] != 6: return None
    t = p[(p[0] & 15) * 4:struct.unpack("!H", p[2:4])[0]]
    sport, dport, seq, ack, off, flags = struct.unpack("!HHIIBB", t[:14]); end = (off >> 4) * 4
    options, o = {}, t[20:end]
    while o:
        if o[0] == 0: break
        if o[0] == 1: o = o[1:]; continue
        options[(o[0], o[2] >> 4 if o[0] == 30 else 0)] = o[:o[1]]; o = o[o[1]:]
    return socket.inet_ntoa(p[12:16]), socket.inet_ntoa(p[16:20]), sport, dport, seq, ack, flags, options, t[end:]
def hear(want, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try: got = tcp_of(wire.recv(3000))
        except OSError: continue
        if got and want(got): return got
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP); raw.bind((OTHER, 0))
def total(data):
    n = sum(struct.unpack("!%dH" % (len(data) // 2), data)); n = (n >> 16) + (n & 0xffff)
    return ~(n + (n >> 16)) & 0xffff
def segment(dport, seq, ack, flags, options=b"", data=b""):
    head = struct.pack("!HHII", 7777, dport, seq & 0xffffffff, ack & 0xffffffff)
    t = head + struct.pack("!BBHHH", (20 + len(options)) // 4 << 4, flags, 64000, 0, 0) + options + data
    even = t + bytes(len(t) % 2)
    check = total(socket.inet_aton(OTHER) + socket.inet_aton(HOST) + struct.pack("!BBH", 0, 6, len(t)) + even)
    raw.sendto(t[:16] + struct.pack("!H", check) + t[18:], (HOST, 0))
server = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262); server.setsockopt(1, 2, 1)
server.bind(("10.99.0.2", 80)); server.listen(5); server.settimeout(20); print("ready", flush=True)
con, who = server.accept()
third = hear(lambda g: g[0] == HOST and g[3] == 80 and len(g[7].get((30, 0), b"")) >= 20, 5)
keys = third[7][(30, 0)]; theirs, mine = keys[4:12], keys[12:20]; port = third[2]
sys.stdin.readline()  # somebody listens on the port
token = hashlib.sha256(theirs).digest()[:4]; nonce = b"abcd"
segment(port, 1000, 0, 2, bytes([30, 12, 0x10, 3]) + token + nonce)
answer = hear(lambda g: g[0] == HOST and g[1] == OTHER and g[6] & 18 == 18, 4)
if not answer: print("refused", flush=True); sys.exit()
join = answer[7].get((30, 1))
if not join: print("no join", answer[7], flush=True); sys.exit()
mac = hmac.new(mine + theirs, nonce + join[12:16], hashlib.sha256).digest()[:20]
segment(port, 1001, answer[4] + 1, 16, bytes([30, 24, 0x10, 0]) + mac)
time.sleep(0.5)
print("joined", flush=True)
stolen = lambda g: g[0] == HOST and g[1] == OTHER and g[8]
con.settimeout(0.1)
got = hear(stolen, 6)
print(got and got[8], flush=True)
"""

CLIENT = """
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262); s.setsockopt(1, 2, 1); s.bind(("", 5000))
    s.settimeout(10); s.connect((PEER, 80)); s.send(b"hello"); print("ready", flush=True)
    sys.stdin.readline()
    for i in range(40): s.send(b"stolen" * 5000); time.sleep(0.1)
"""
SERVER = """
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262); s.setsockopt(1, 2, 1); s.bind(("", 5000)); s.listen(5)
    print("ready", flush=True); time.sleep(30)
"""


class MptcpJoin(Attack):
    ports = (7,)  # the others are for this test's own server

    def begun(self, where, program, text, script=True):
        made = where.start(program, "-ISc", self.script(text) if script else text, stdin=subprocess.PIPE,
                           stdout=subprocess.PIPE, text=True, bufsize=1)
        for end in (made.stdin.close, made.stdout.close, made.wait, made.kill):
            self.addCleanup(end)
        self.assertEqual(made.stdout.readline(), "ready\n")
        return made

    def test_beside_a_server(self):
        self.peer.ip("addr", "add", OTHER + "/24", "dev", self.pair.peer_link)
        self.peer.run("nft", "add table inet quiet; add chain inet quiet o { type filter hook output priority 0; }; "
                      f"add rule inet quiet o ip saddr {OTHER} tcp flags & rst == rst drop", check=True)
        self.start(f"  - {{name: one, app: {self.denied}, direction: out, to: 10.99.0.2, action: accept}}\n"
                   f"  - {{name: server, app: {self.denied}, direction: in, action: drop}}\n")
        peer = self.begun(self.peer, "/usr/bin/python3", PEER, False)
        client = self.begun(self.host, self.denied, CLIENT)
        server = self.begun(self.host, self.allowed, SERVER)
        peer.stdin.write("go\n")
        said = peer.stdout.readline()
        client.stdin.write("go\n")
        arrived = peer.stdout.readline() if said == "joined\n" else ""
        self.assertEqual((said, arrived), ("refused\n", ""))
