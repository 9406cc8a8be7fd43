# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules that ask for the network: it changes while the daemon runs, and they follow."""

import json

from lib.case import TIMED_OUT, KernelTest, everywhere, only_in
from lib.helper import Helper
from lib.namespace import Namespace
from lib.peer import EchoServers
from lib.places import built
from lib.wait import wait_for

REFUSED = 111


@only_in("native")
class NetworkTest(KernelTest):
    def meet(self, address: str, namespace: Namespace | None = None, wait_ms: int = 10_000) -> int:
        program = built("tests/kernel/programs/connect1")
        return (namespace or self.host).run(program, "tcp4", address, "7", "--wait", str(wait_ms)).returncode

    def silence(self, address: str, namespace: Namespace | None = None) -> int:
        """The same where no answer is expected, for which nobody waits long."""
        return self.meet(address, namespace, 500)

    def wait_meet(self, wanted: int, address: str) -> None:
        wait_for(wanted, lambda: (self.silence if wanted == TIMED_OUT else self.meet)(address))

    def link(self, name: str, host4: str, peer4: str) -> None:
        """Another pair of links between host and peer."""
        self.host.ip("link", "add", name, "type", "veth", "peer", "name", f"p-{name}", "netns", self.peer.name)
        for side, link, address in ((self.host, name, host4), (self.peer, f"p-{name}", peer4)):
            side.ip("address", "add", f"{address}/24", "dev", link)
            side.ip("link", "set", link, "up")

    def talker(self, address: str) -> Helper:
        talker = Helper(self.host, "talker.py", address, "7")
        self.addCleanup(talker.stop)
        return talker


class Words(NetworkTest):
    FAR = "10.98.0.2"  # the peer's too, by way of the first network

    def setUp(self):
        super().setUp()
        self.peer.ip("address", "add", f"{self.FAR}/32", "dev", "lo")
        self.host.ip("route", "add", self.FAR, "via", self.pair.peer4)

    @everywhere
    def test_lan_follows_the_addresses(self):
        daemon = self.daemon("rules:\n  - {name: near, to: lan, action: accept}\n")
        self.assertEqual(self.meet(self.pair.peer4), 0)
        self.assertEqual(self.meet(self.FAR), REFUSED)
        self.host.ip("address", "add", "10.98.0.9/29", "dev", self.pair.host_link)
        self.host.ip("address", "add", "10.98.0.1/29", "dev", self.pair.host_link)
        self.wait_meet(0, self.FAR)
        self.host.ip("address", "del", "10.98.0.1/29", "dev", self.pair.host_link)
        self.wait_meet(REFUSED, self.FAR)
        self.assertEqual(self.meet(self.pair.peer4), 0)
        self.assertEqual({row["rule"] for row in daemon.audit.rows("verdict = 'accept'")}, {"near"})

    def test_a_flow_that_was_let_through_is_cut_with_the_network_that_it_was_let_into(self):
        self.host.ip("address", "add", "10.98.0.1/29", "dev", self.pair.host_link)
        self.daemon("rules:\n  - {name: near, to: lan, action: accept}\n", default_out="drop")
        # The echo server answers by the address that its route names.
        self.peer.ip("route", "add", self.pair.host4, "dev", self.pair.peer_link, "src", self.FAR)
        talker, other = self.talker(self.FAR), self.talker(self.pair.peer6)
        self.assertTrue(talker.ask("patiently"))
        self.assertTrue(other.ask("patiently"))
        self.host.ip("address", "del", "10.98.0.1/29", "dev", self.pair.host_link)
        wait_for(False, lambda: talker.ask("say"))
        self.assertTrue(other.ask("patiently"))
        self.host.ip("address", "add", "10.98.0.1/29", "dev", self.pair.host_link)
        wait_for(True, lambda: talker.ask("say"))

    def test_self_follows_the_addresses(self):
        self.daemon("rules:\n  - {name: own, to: self, direction: out, action: drop}\n",
                    default_out="accept", default_in="accept", loopback="filter")
        self.assertEqual(self.meet(self.FAR), 0)
        self.assertEqual(self.silence(self.pair.host4), TIMED_OUT)
        self.host.ip("address", "add", f"{self.FAR}/32", "dev", self.pair.host_link)
        self.wait_meet(TIMED_OUT, self.FAR)
        self.host.ip("address", "del", f"{self.FAR}/32", "dev", self.pair.host_link)
        self.wait_meet(0, self.FAR)

    def test_dns_follows_the_resolvers_file(self):
        file = self.folder / "resolv.conf"
        file.write_text("nameserver 192.0.2.53\n")
        for enabled in ("true", "false"):
            with self.subTest(enabled=enabled):
                daemon = self.daemon("rules:\n  - {name: ask, to: dns, action: accept}\n",
                                     config=f"mode: enforce\ndns: {{enabled: {enabled}, resolvers: [{file}]}}\n")
                self.assertEqual(self.meet(self.pair.peer4), REFUSED)
                file.write_text(f"nameserver {self.pair.peer4}\n")
                self.wait_meet(0, self.pair.peer4)
                self.assertEqual(self.meet(self.FAR), REFUSED)
                file.write_text("nameserver 192.0.2.53\n")
                self.wait_meet(REFUSED, self.pair.peer4)
                daemon.stop()

    def test_rules_that_do_not_ask_are_not_disturbed(self):
        daemon = self.daemon("rules:\n  - {name: all, to: 10.0.0.0/8, action: accept}\n"
                             "  - {name: off, enabled: false, to: lan, action: drop}\n")
        before = daemon.status()
        self.host.ip("address", "add", "10.98.0.1/29", "dev", self.pair.host_link)
        wait_for(True, lambda: "10.98.0.1" in daemon.status()["network"]["self"])
        self.assertEqual(daemon.status()["ruleset"]["generation"], before["ruleset"]["generation"])

    def test_a_burst_of_changes_ends_in_the_truth(self):
        daemon = self.daemon("rules:\n  - {name: near, to: lan, action: accept}\n")
        for number in range(1, 200):
            self.host.ip("address", "add", f"10.96.{number}.1/24", "dev", self.pair.host_link)
        self.host.ip("address", "add", "10.98.0.1/29", "dev", self.pair.host_link)
        wait_for(201, lambda: len([a for a in daemon.status()["network"]["self"] if a.startswith("10.")]))
        self.wait_meet(0, self.FAR)
        self.assertLess(daemon.status()["network"]["readings"], 150)


class Profiles(NetworkTest):
    def rules(self, profile: str) -> str:
        return (f"profiles:\n  home: {{{profile}}}\n  never: {{gateway: 192.0.2.77}}\n"
                "rules:\n  - {name: at-home, profile: home, action: accept}\n"
                "  - {name: not-here, profile: never, action: accept}\n")

    def profiles(self, daemon) -> list[str]:
        return daemon.status()["network"]["profiles"]

    def come_and_go(self, daemon, arrive, leave) -> None:
        """A flow that runs is cut when the profile ends, and goes on when it holds again."""
        talker = self.talker(self.pair.peer4)
        self.assertFalse(talker.ask("say"))
        self.assertEqual(self.profiles(daemon), [])
        for _ in range(2):
            arrive()
            wait_for(True, lambda: talker.ask("say"))
            self.assertEqual(self.profiles(daemon), ["home"])
            leave()
            wait_for(False, lambda: talker.ask("say"))
            self.assertEqual(self.profiles(daemon), [])
        accepted = daemon.audit.rows("verdict = 'accept' AND destination_port = 7")
        self.assertEqual({row["rule"] for row in accepted}, {"at-home"})

    def test_by_gateway(self):
        daemon = self.daemon(self.rules(f"gateway: {self.pair.peer4}"), default_out="drop")
        # Neither another gateway nor this one on the way elsewhere makes the profile hold.
        self.host.ip("route", "add", "default", "via", "10.99.0.77", "metric", "50")
        self.host.ip("route", "add", "192.0.2.0/24", "via", self.pair.peer4)
        self.come_and_go(daemon,
                         lambda: self.host.ip("route", "add", "default", "via", self.pair.peer4, "metric", "9"),
                         lambda: self.host.ip("route", "del", "default", "via", self.pair.peer4, "metric", "9"))

    def test_by_an_ipv6_gateway(self):
        daemon = self.daemon(self.rules("gateway: 'fd99::2'"), default_out="drop")
        self.come_and_go(daemon, lambda: self.host.ip("-6", "route", "add", "default", "via", self.pair.peer6),
                         lambda: self.host.ip("-6", "route", "del", "default", "via", self.pair.peer6))

    def mac(self) -> str:
        link = json.loads(self.peer.ip("-j", "link", "show", self.pair.peer_link))[0]
        return link["address"]

    @everywhere
    def test_by_gateway_mac(self):
        daemon = self.daemon(self.rules(f"gateway_mac: '{self.mac()}'"), default_out="drop")
        neighbour = ("dev", self.pair.host_link, "nud", "permanent", "lladdr")
        self.host.ip("neigh", "replace", self.pair.peer4, *neighbour, "02:00:00:00:00:99")
        self.host.ip("route", "add", "default", "via", self.pair.peer4)
        # A neighbour with the right one that is no gateway.
        self.host.ip("neigh", "replace", "10.99.0.88", *neighbour, self.mac())
        wrong = lambda: self.host.ip("neigh", "replace", self.pair.peer4, *neighbour, "02:00:00:00:00:99")
        right = lambda: self.host.ip("neigh", "replace", self.pair.peer4, *neighbour, self.mac())
        self.come_and_go(daemon, right, wrong)

    def test_a_gateway_that_nobody_may_talk_to_yet_is_found_out(self):
        """Without its hardware address no rule holds, so no packet would make the kernel ask for it."""
        self.host.ip("neigh", "flush", "dev", self.pair.host_link)
        self.daemon(self.rules(f"gateway_mac: '{self.mac()}'"))
        self.host.ip("route", "add", "default", "via", self.pair.peer4)
        self.wait_meet(0, self.pair.peer4)

    def test_by_interface_that_is_up(self):
        daemon = self.daemon(self.rules("interface: 'vpn*'"), default_out="drop")
        self.host.ip("link", "add", "vpn0", "type", "veth", "peer", "name", "xvpn1")
        self.host.ip("link", "add", "yvpn2", "type", "veth", "peer", "name", "yvpn3")
        for other in ("xvpn1", "yvpn2", "yvpn3"):
            self.host.ip("link", "set", other, "up")
        self.come_and_go(daemon, lambda: self.host.ip("link", "set", "vpn0", "up"),
                         lambda: self.host.ip("link", "set", "vpn0", "down"))

    def test_by_search_domain(self):
        file = self.folder / "resolv.conf"
        file.write_text("search other.example\n")
        daemon = self.daemon(self.rules("domain: office.example"), default_out="drop",
                             config=f"mode: enforce\ndns: {{resolvers: [{file}]}}\n")
        self.come_and_go(daemon, lambda: file.write_text("search Office.Example other.example\n"),
                         lambda: file.write_text("search sub.office.example\n"))

    def test_it_holds_from_the_first_packet_on(self):
        self.host.ip("route", "add", "default", "via", self.pair.peer4)
        daemon = self.daemon(self.rules(f"gateway: {self.pair.peer4}"))
        self.assertEqual(self.meet(self.pair.peer4), 0)
        self.assertEqual(self.profiles(daemon), ["home"])
        daemon.reload()
        self.assertEqual(self.meet(self.pair.peer4), 0)


class Interfaces(NetworkTest):
    SECOND = "10.95.0.2"

    def setUp(self):
        super().setUp()
        self.link("second0", "10.95.0.1", self.SECOND)

    @everywhere
    def test_the_way_out(self):
        daemon = self.daemon(f"rules:\n  - {{name: first, interface: {self.pair.host_link}, action: accept}}\n")
        self.assertEqual(self.meet(self.pair.peer4), 0)
        self.assertEqual(self.meet(self.SECOND), REFUSED)
        self.assertEqual(self.contact("tcp6").returncode, 0)
        self.assertEqual([row["rule"] for row in daemon.audit.wait_rows(3, "destination_port = 7")],
                         ["first", "", "first"])

    def test_patterns_and_what_is_excepted(self):
        self.daemon("rules:\n  - {name: seconds, interface: 'second*', action: accept}\n"
                    "  - {name: none, interface: [econd0, second, 'second0?', 'host0?'], action: accept}\n")
        self.assertEqual(self.meet(self.SECOND), 0)
        self.assertEqual(self.meet(self.pair.peer4), REFUSED)

    def test_all_but_one(self):
        self.daemon("rules:\n  - {name: others, not: {interface: second0}, action: accept}\n")
        self.assertEqual(self.meet(self.pair.peer4), 0)
        self.assertEqual(self.meet(self.SECOND), REFUSED)

    @everywhere
    def test_the_way_in(self):
        servers = EchoServers(self.host, 7)
        self.addCleanup(servers.stop)
        self.daemon("rules:\n  - {name: first, direction: in, interface: host0, action: accept}\n")
        self.assertEqual(self.meet(self.pair.host4, self.peer), 0)
        self.assertEqual(self.silence("10.95.0.1", self.peer), TIMED_OUT)

    @everywhere
    def test_of_what_passes_through_the_way_out_counts(self):
        inner = Namespace("inner")
        self.addCleanup(inner.remove)
        self.host.ip("link", "add", "inner0", "type", "veth", "peer", "name", "eth0", "netns", inner.name)
        for side, link, address in ((self.host, "inner0", "10.97.0.1"), (inner, "eth0", "10.97.0.2")):
            side.ip("address", "add", f"{address}/24", "dev", link)
            side.ip("link", "set", link, "up")
        inner.ip("route", "add", "default", "via", "10.97.0.1")
        self.peer.ip("route", "add", "10.97.0.0/24", "via", self.pair.host4)
        self.host.sysctl("net.ipv4.ip_forward", 1)
        self.daemon("rules:\n  - {name: by-source, direction: forward, interface: inner0, action: drop}\n"
                    "  - {name: by-way, direction: forward, interface: host0, action: accept}\n",
                    forward="filter", default_forward="drop")
        self.assertEqual(self.meet(self.pair.peer4, inner), 0)

    def test_interfaces_that_come_later_and_get_other_names(self):
        self.daemon("rules:\n  - {name: late, interface: late0, action: accept}\n")
        self.link("fresh0", "10.94.0.1", "10.94.0.2")
        self.assertEqual(self.meet("10.94.0.2"), REFUSED)
        for name in ("late0", "fresh0", "late0"):
            old = "fresh0" if name == "late0" else "late0"
            self.host.ip("link", "set", old, "down")
            self.host.ip("link", "set", old, "name", name)
            self.host.ip("link", "set", name, "up")
            self.wait_meet(0 if name == "late0" else REFUSED, "10.94.0.2")

    @everywhere
    def test_a_flow_that_takes_another_way_is_decided_anew(self):
        """Rules that let a flow into a tunnel do not let it out beside the tunnel."""
        self.peer.ip("address", "add", "10.98.0.2/32", "dev", "lo")
        self.host.ip("route", "add", "10.98.0.2", "via", self.SECOND, "metric", "1")
        self.host.ip("route", "add", "10.98.0.2", "via", self.pair.peer4, "metric", "9")
        self.peer.ip("route", "add", "10.95.0.1", "dev", "p-second0", "src", "10.98.0.2")
        daemon = self.daemon("rules:\n  - {name: tunnel, interface: second0, action: accept}\n",
                             default_out="drop")
        talker = self.talker("10.98.0.2")
        self.assertTrue(talker.ask("patiently"))
        self.host.ip("link", "set", "second0", "down")

        def dropped():
            talker.ask("say")
            return bool(daemon.audit.rows("verdict = 'drop' AND destination = '10.98.0.2'"))
        wait_for(True, dropped)
        self.wire.reset()
        self.assertFalse(talker.ask("say"))
        self.assertEqual(self.wire.count(protocol="udp", dport=7), 0)
