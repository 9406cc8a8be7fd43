# SPDX-License-Identifier: GPL-2.0-or-later
"""Packets made by hand, by a root program that no rule allows: they imitate flows that are allowed, hide what
they are, or lie about it."""

from attack import PORT, USER, Attack

# In the allowed program: a UDP flow from port 5555 and a connection, then the other program's text, which is
# given the connection's port and, as a sniffer sees them, its numbers.
OPEN = """
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("", 5555)); send(b"x", s=s)
    c = socket.create_connection((PEER, 7), 10)
    seen = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0003)); seen.settimeout(10)
    c.sendall(b"x"); c.recv(1)
    while True:
        packet = seen.recv(2000)
        at = (packet[0] & 15) * 4
        if packet[0] >> 4 == 4 and packet[9] == 6 and packet[16:20] == socket.inet_aton(PEER):
            ports, sequence, answered = struct.unpack("!III", packet[at:at + 12])
            if len(packet) > at + (packet[at + 12] >> 4) * 4: break
    subprocess.run([sys.argv[1], "-c", sys.argv[2], *map(str, (ports >> 16, sequence + 1, answered + 1))], check=True)
"""


class Forged(Attack):
    def beside_the_allowed(self, text: str) -> None:
        """Runs a script as the denied program while flows of the allowed one are open."""
        self.wire.reset()
        self.run_as(self.allowed, OPEN, self.denied, self.script(
            "from forge import *\nport, sequence, answered = map(int, sys.argv[1:])\n" + text))

    def of_length(self, length: int, protocol: str) -> int:
        return self.wire.count(protocol=protocol, length=length)

    def test_datagrams_of_an_allowed_flow(self):
        """Same addresses, same ports, both as a UDP payload and with a header of its own."""
        self.start()
        self.beside_the_allowed("""send_all([ip4(HOST, PEER, 17, udp(HOST, PEER, 5555, PORT))] * 3, PEER)
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
raw.sendto(udp(HOST, PEER, 5555, PORT), (PEER, 0))
""")
        self.wait_rows(4, exe=self.denied, verdict="drop", source_port=5555)
        self.assertEqual(self.arrived(), 1)
        self.never_accepted()

    def test_a_connection_begun_at_an_allowed_ones_ports(self):
        self.start()
        self.beside_the_allowed("send_all([ip4(HOST, PEER, 6, tcp(HOST, PEER, port, 7, 2, sequence))] * 3, PEER)\n")
        self.wait_rows(1, port=7, exe=self.denied, verdict="drop")
        self.assertEqual(self.wire.count(protocol="tcp", dport=7, syn=True), 1)
        self.never_accepted()

    def test_segments_in_an_open_connection(self):
        """Not held off: who may make raw sockets can write into a connection that he can see, with its numbers or
        older ones; conntrack takes that for the connection's own. It goes to the connection's other end, and the
        log has the connection only. What is ahead of the connection is refused."""
        self.start()
        self.beside_the_allowed("""for far, letter in ((0, b"n"), (-1 << 30, b"o"), (1 << 30, b"a")):
    send_all([ip4(HOST, PEER, 6, tcp(HOST, PEER, port, 7, 0x18, sequence + far, answered, letter * (300 + far % 7)))], PEER)
""")
        lengths = {far: 340 + far % 7 for far in (0, -1 << 30, 1 << 30)}
        self.assertEqual(len(set(lengths.values())), 3)
        self.assertEqual({far: self.of_length(length, "tcp") for far, length in lengths.items()},
                         {0: 1, -1 << 30: 1, 1 << 30: 0})
        self.assertEqual({row["exe"] for row in self.wait_rows(1, port=7, verdict="accept")}, {self.allowed})
        self.never_accepted()

    def test_errors_about_an_allowed_flow(self):
        """The kernel's own ICMP errors go with their flow; a process could put anything into one."""
        self.start()
        self.beside_the_allowed("""raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
for about in (ip4(PEER, HOST, 17, udp(PEER, HOST, PORT, 5555, b"secret" * 20)),
              ip4(PEER, HOST, 6, tcp(PEER, HOST, 7, port, 0x10, answered, sequence, b"secret" * 20))):
    raw.sendto(unreachable(about), (PEER, 0))
    send_all([ip4(HOST, PEER, 1, unreachable(about))], PEER)
""")
        rows = self.fw.audit.wait_rows(4, "exe = ? AND protocol = 'icmp'", self.denied)
        self.assertEqual({row["verdict"] for row in rows}, {"drop"})
        self.assertEqual(self.wire.count(protocol="icmp"), 0)

    def test_answers_to_what_the_peer_asked(self):
        """Datagrams and echo replies against the direction of an inbound flow, which is another's."""
        self.start("  - {name: ping, app: 'unknown:kernel', direction: in, protocol: icmp, action: accept}\n")
        self.peer.run("nft", "flush chain inet x i", check=True)
        self.wire.reset()
        self.run_as(self.allowed, """
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("", 5353)); s.settimeout(20)
            ask = "import socket; s = socket.socket(2, 2); s.bind(('', 4000)); s.sendto(b'q', ('10.99.0.1', 5353))"
            subprocess.run([*sys.argv[3:], "/usr/bin/python3", "-c", ask], check=True)
            assert s.recv(9) == b"q"
            subprocess.run([*sys.argv[3:], "ping", "-n", "-c1", "-W9", HOST], check=True, stdout=subprocess.DEVNULL)
            subprocess.run(sys.argv[1:2] + ["-c", sys.argv[2]], check=True)
            s.sendto(b"answer", (PEER, 4000))
        """, self.denied, self.script("""
            from forge import *
            send_all([ip4(HOST, PEER, 17, udp(HOST, PEER, 5353, 4000))], PEER)
            for number in range(1, 70):
                made = struct.pack("!BBHHH", 0, 0, 0, number, 1) + b"secret"
                send_all([ip4(HOST, PEER, 1, made[:2] + struct.pack("!H", checksum(made)) + made[4:])], PEER)
        """), *self.peer.command())
        self.assertEqual(self.arrived(), 1, "what the server itself answered")
        self.assertEqual(self.wire.count(protocol="icmp", length=34), 0)
        self.wait_rows(1, port=5353, exe=self.denied, verdict="drop", direction="in")
        self.never_accepted()

    def test_from_port_53_and_to_it(self):
        """What looks like DNS is a datagram like any other."""
        self.start()
        self.run_as(self.denied, """
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("", 53)); send(b"x", s=s); send(b"x", 53)
            s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); s.bind(("", 53)); send(b"x", to=PEER6, s=s)
        """)
        self.wait_rows(2, exe=self.denied, verdict="drop")
        self.wait_rows(1, port=53, exe=self.denied, verdict="drop")
        self.assertEqual(self.wire.count(protocol="udp"), 0)
        self.allowed_sends()
        # From outside: to a port where the denied program listens, and nobody has asked.
        got = self.run_as(self.denied, """
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("", 6000)); s.settimeout(1)
            say = "import socket; s = socket.socket(2, 2); s.bind(('', 53)); s.sendto(b'x', ('10.99.0.1', 6000))"
            subprocess.run([*sys.argv[1:], "/usr/bin/python3", "-c", say], check=True)
            try: print(s.recv(9))
            except TimeoutError: print("nothing")
        """, *self.peer.command())
        self.assertEqual(got.stdout, "nothing\n")
        self.wait_rows(1, port=6000, exe=self.denied, verdict="drop", source_port=53)


class Disguised(Attack):
    """Shapes of packets in which a port or a protocol could be overlooked."""

    def both(self, text: str, port: int = PORT, arrive: int = 1) -> None:
        """Each packet of a script is refused to the one and let through for the other."""
        for program, expected in ((self.denied, 0), (self.allowed, arrive)):
            self.wire.reset()
            self.run_as(program, "from forge import *\n" + text)
            arrived = [p for p in self.wire.packets() if p["source"] in ("10.99.0.1", "fd99::1")
                       and p["protocol"] not in ("icmpv6", "icmp")]
            self.assertEqual(len(arrived), expected, f"{program}: {arrived}")
        self.fw.audit.wait_rows(1, "exe = ? AND verdict = 'drop'", self.denied)
        self.never_accepted()

    def test_extension_headers(self):
        self.start()
        empty = "bytes([17, 0, 1, 4, 0, 0, 0, 0])"  # another header follows; padding
        for kind in ("HOP_BY_HOP", "DESTINATION"):
            with self.subTest(kind=kind):
                self.both(f"send_all([ip6(HOST6, PEER6, {kind}, {empty} + udp(HOST6, PEER6, 5, PORT))], PEER6)\n")
        chain = "b''.join(bytes([60, 0, 1, 4, 0, 0, 0, 0]) for _ in range(7)) + " + empty
        self.both(f"send_all([ip6(HOST6, PEER6, DESTINATION, {chain} + udp(HOST6, PEER6, 5, PORT))], PEER6)\n")
        rows = self.fw.audit.wait_rows(3, "exe = ?", self.denied)
        self.assertEqual({row["verdict"] for row in rows}, {"drop"})

    def test_by_options_of_an_ordinary_socket(self):
        """No raw socket is needed for a header of destination options, nor for options of IPv4."""
        self.start()
        self.both("s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)\n"
                  "s.setsockopt(41, 59, bytes([0, 0, 1, 4, 0, 0, 0, 0]))\nsend(b'x', to=PEER6, s=s)\n")
        self.both("s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
                  "s.setsockopt(0, 4, b'\\x07\\x07\\x04\\0\\0\\0\\0\\0')\nsend(b'x', s=s)\n")  # record route

    def test_options_of_ipv4(self):
        self.start()
        self.both("send_all([ip4(HOST, PEER, 17, udp(HOST, PEER, 5, PORT), options=b'\\x01' * 36 + b'\\0' * 4)], PEER)\n")

    def test_fragments(self):
        """Whole, they are one datagram; IP_NODEFRAG keeps them apart, and then none has a port to go by."""
        self.start()
        cut = ("whole = udp(HOST, PEER, 5, PORT, b'x' * 64)\n"
               "parts = [ip4(HOST, PEER, 17, whole[:32], fragment=MORE), ip4(HOST, PEER, 17, whole[32:], fragment=4)]\n")
        self.both(cut + "send_all(parts, PEER)\n", arrive=2)  # put together to be asked about, cut again to be sent
        apart = ("raw = raw_socket(); raw.setsockopt(0, 22, 1)\n"
                 "for part in parts:\n    try: raw.sendto(part, (PEER, 0))\n    except OSError: pass\n")
        self.wire.reset()
        self.run_as(self.denied, "from forge import *\n" + cut + apart)
        self.assertEqual(self.wire.packets(), [])

    def test_overlapping_fragments(self):
        """The second one would write the first one's ports over."""
        self.start()
        self.wire.reset()
        for program in (self.denied, self.allowed):
            self.run_as(program, """
                from forge import *
                one, two = (udp(HOST, PEER, 5, port, b"x" * 64) for port in (PORT, 9999))
                send_all([ip4(HOST, PEER, 17, one[:32], fragment=MORE), ip4(HOST, PEER, 17, two[:24], fragment=MORE),
                          ip4(HOST, PEER, 17, two[16:40], fragment=MORE | 2), ip4(HOST, PEER, 17, one[40:], fragment=5)], PEER)
            """)
        self.assertEqual(self.arrived(9999), 0)
        self.never_accepted()

    def test_lengths_that_lie_and_packets_cut_short(self):
        """What can't be read is nobody's flow: it is refused, whatever the header begins like."""
        self.start()
        self.wire.reset()
        self.run_as(self.denied, """
            from forge import *
            whole = udp(HOST, PEER, 5, PORT)
            packets = [ip4(HOST, PEER, 17, whole[:n]) for n in range(8)]
            packets += [ip4(HOST, PEER, 6, tcp(HOST, PEER, 5, 7, 2)[:n]) for n in (0, 4, 12, 19)]
            packets += [ip4(HOST, PEER, 17, udp(HOST, PEER, 5, PORT, length=n)) for n in (0, 7, 9, 65535)]
            packets += [ip4(HOST, PEER, 17, whole, words=n) for n in (6, 15)]
            packets += [ip4(HOST, PEER, 6, tcp(HOST, PEER, 5, 7, flags)) for flags in (0, 1, 3, 4, 0x10, 0x12, 0x29, 0xff)]
            print(send_all(packets, PEER))
            whole = udp(HOST6, PEER6, 5, PORT)
            packets = [ip6(HOST6, PEER6, 17, whole, length=n) for n in (0, 4, 65535)]
            packets += [ip6(HOST6, PEER6, following, bytes([17, 255]) + b"x" * 6) for following in (0, 43, 44, 60, 51, 135)]
            packets += [ip6(HOST6, PEER6, 44, struct.pack("!BBHI", 17, 0, 9 << 3 | 1, 5) + whole)]
            print(send_all(packets, PEER6))
        """)
        arrived = [p for p in self.wire.packets() if p["source"] in ("10.99.0.1", "fd99::1")]
        self.assertEqual(arrived, [])
        self.fw.audit.wait_rows(10, "verdict = 'drop'")
        self.never_accepted()
        self.allowed_sends()


class Beneath(Attack):
    """Sockets whose packets do not go through netfilter."""

    def test_packet_sockets_are_not_for_users(self):
        self.start()
        for family in (17, 44):  # AF_PACKET, AF_XDP
            told = f"""
                try: socket.socket({family}, socket.SOCK_RAW, 0); print("made")
                except OSError as error: print(error.errno)
            """
            as_root = self.run_as(self.denied, told).stdout.strip()
            self.assertIn(as_root, ("made", "97"), "97: this kernel has no such sockets")
            self.assertEqual(self.run_as(self.denied, told, user=USER).stdout.strip(), "1" if as_root == "made" else "97")

    def test_frames_are_refused_if_asked_for(self):
        """By default they pass and are not in the log: `packet_sockets` in the configuration says otherwise."""
        frame = """
            from forge import *
            data = ip4(HOST, PEER, 17, udp(HOST, PEER, 5, PORT))
            s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
            try: s.sendto(data, ("host0", 0x0800, 0, 0, b"\\xff" * 6)); print("sent")
            except OSError as error: print(error.errno)
        """
        self.start(packet_sockets="refuse")
        self.assertEqual(self.run_as(self.denied, frame).stdout, "105\n")  # ENOBUFS
        self.assertEqual(self.arrived(), 0)
        row = self.fw.audit.wait_rows(1, "exe = ? AND reason LIKE 'packet-socket%'", self.denied)[0]
        self.assertEqual(row["verdict"], "drop")
        self.fw.stop()
        self.start()
        self.assertEqual(self.run_as(self.denied, frame).stdout, "sent\n")
        self.assertEqual(self.arrived(), 1)
        self.assertEqual(self.rows(), [])
