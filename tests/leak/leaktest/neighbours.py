# SPDX-License-Identifier: GPL-2.0-or-later
"""Tables of the kind that other firewalls put in, with chains that accept before, at and behind ours. Written
after what those programs do, not copied: what counts is the hooks, the priorities and the verdicts."""

RULESETS = {
    # The filter table of iptables-nft, with ufw's chain of chains; accepts all that goes out.
    "ufw": """
table ip filter {
  chain before-output { oifname "lo" accept; ct state established,related accept; }
  chain user-output { meta l4proto { 6, 17, 1 } accept; }
  chain OUTPUT { type filter hook output priority 0; policy accept; jump before-output; jump user-output; }
  chain INPUT { type filter hook input priority 0; policy accept; ct state established accept; }
}
table ip6 filter {
  chain OUTPUT { type filter hook output priority 0; policy accept; meta l4proto { 6, 17, 58 } accept; }
}
""",
    # One inet table with hooks just behind the classic priorities, and raw ones before conntrack's.
    "firewalld": """
table inet firewalld {
  chain mangle_PREROUTING { type filter hook prerouting priority -140; policy accept; }
  chain filter_OUTPUT { type filter hook output priority 10; policy accept;
    ct state { established, related } accept; oifname "lo" accept; accept; }
  chain filter_INPUT { type filter hook input priority 10; policy accept; ct status dnat accept; }
  chain early { type filter hook output priority -290; policy accept; accept; }
  chain late { type filter hook postrouting priority 310; policy accept; accept; }
}
""",
    # Address translation in both directions, and marks of its own.
    "docker": """
table ip nat {
  chain DOCKER { iifname "docker0" return; }
  chain PREROUTING { type nat hook prerouting priority -100; policy accept; fib daddr type local jump DOCKER; }
  chain OUTPUT { type nat hook output priority -100; policy accept;
    ip daddr != 127.0.0.0/8 fib daddr type local jump DOCKER; }
  chain POSTROUTING { type nat hook postrouting priority 100; policy accept;
    ip saddr 172.17.0.0/16 oifname != "docker0" masquerade; }
}
table ip mark-all {
  chain OUTPUT { type route hook output priority -150; policy accept; meta mark set meta mark | 0x00008000; }
}
""",
    # Somebody who accepts all at our very priority and just before it.
    "accept-all": """
table inet accept-all {
  chain first { type filter hook output priority -141; policy accept; accept; }
  chain same { type filter hook output priority -140; policy accept; accept; }
  chain then { type filter hook output priority -139; policy accept; accept; }
}
""",
}
