# SPDX-License-Identifier: GPL-2.0-or-later
"""What a program sends into a tunnel is the program's; the packets around it are the kernel's, though they still point
to the program's socket."""

from lib.case import KernelTest, only_in
from lib.places import copies

INSIDE = "10.96.0.1"
BEHIND = "10.96.0.2"
CODE = ("import socket, sys\n"
        "for _ in range(3): socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', (sys.argv[1], 4000))")
KEY = "0x" + "07" * 16


class Tunnels(KernelTest):
    def setUp(self):
        super().setUp()
        self.python = str(copies("/usr/bin/python3", self.folder / "bin", 1)[0])
        self.fw = self.daemon("rules:\n  - {name: kernel, app: 'unknown:kernel', action: accept}\n"
                              f"  - {{name: program, app: {self.python}, port: 4000, action: accept}}\n",
                              config="mode: enforce\n", default_out="drop")

    def sent(self, to: str, outside: str) -> None:
        """To `to`, which leaves as packets for which `outside` holds."""
        self.host.run(self.python, "-c", CODE, to, check=True)
        inner = self.fw.audit.wait_rows(3, "destination_port = 4000 AND destination = ? AND protocol = 'udp'", to)
        self.assertEqual({(row["exe"], row["verdict"]) for row in inner}, {(self.python, "accept")})
        outer = self.fw.audit.wait_rows(1, outside)
        self.assertEqual({(row["unknown"], row["verdict"]) for row in outer}, {("kernel", "accept")})

    def through(self, *kind: str, outside: str, lladdr: bool = False) -> None:
        self.host.ip("link", "add", "dwtunnel", "type", *kind)
        self.host.ip("address", "add", f"{INSIDE}/24", "dev", "dwtunnel")
        self.host.ip("link", "set", "dwtunnel", "up")
        if lladdr:
            self.host.ip("neigh", "replace", BEHIND, "lladdr", "02:00:00:00:00:07", "dev", "dwtunnel")
        self.sent(BEHIND, outside)

    def ends(self) -> tuple[str, ...]:
        return "local", self.pair.host4, "remote", self.pair.peer4

    def test_vxlan(self):
        self.through("vxlan", "id", "7", "dstport", "4789", *self.ends(), outside="destination_port = 4789", lladdr=True)

    @only_in("guest")  # here and below: the other kernel has none of these
    def test_geneve(self):
        self.through("geneve", "id", "7", "remote", self.pair.peer4, outside="destination_port = 6081", lladdr=True)

    @only_in("guest")
    def test_gre(self):
        self.through("gre", *self.ends(), outside="protocol = '47'")

    @only_in("guest")
    def test_ipip(self):
        self.through("ipip", *self.ends(), outside="protocol = '4'")

    def secured(self, *encapsulation: str, mode: str, protocol: str = "esp") -> None:
        """IPsec between the two hosts, out of this one."""
        ends = "src", self.pair.host4, "dst", self.pair.peer4
        how = ("auth", "hmac(sha256)", KEY) + (("enc", "cbc(aes)", KEY) if protocol == "esp" else ())
        self.host.ip("xfrm", "state", "add", *ends, "proto", protocol, "spi", "7", "mode", mode, *how, *encapsulation)
        self.host.ip("xfrm", "policy", "add", *ends, "dir", "out", "tmpl", *ends, "proto", protocol, "mode", mode)

    @only_in("guest")
    def test_ipsec(self):
        for mode in ("transport", "tunnel"):
            with self.subTest(mode=mode):
                self.secured(mode=mode)
                self.sent(self.pair.peer4, "protocol = '50'")
                self.host.ip("xfrm", "state", "flush")
                self.host.ip("xfrm", "policy", "flush")

    @only_in("guest")
    def test_ipsec_without_encryption(self):
        self.secured(mode="transport", protocol="ah")
        self.sent(self.pair.peer4, "protocol = '51'")

    @only_in("guest")
    def test_ipsec_in_udp(self):
        self.secured("encap", "espinudp", "4500", "4500", "0.0.0.0", mode="transport")
        self.sent(self.pair.peer4, "destination_port = 4500")
