// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/nft_text.hpp"

#include <string_view>
#include <vector>

#include <fmt/format.h>

namespace doorward {
namespace {

using Rules = std::vector<std::string>;

constexpr std::string_view table_name = "inet doorward";

// The loopback device, which is every network namespace's first (drivers/net/loopback.c, loopback_net_init(), insists
// on it). Numbers are compared faster than names, for every packet, and can't be given to another device.
constexpr int loopback_index = 1;

// Bits into the transport header, of TCP and UDP.
constexpr int remote_port_out = 16, remote_port_in = 0;

// `meta` or `ct`: sets our bits of the mark to `value` and keeps all others.
std::string set_mark(std::string_view kind, const Marks& marks, std::uint32_t value) {
    if (value == 0) return fmt::format("{0} mark set {0} mark & {1:#010x}", kind, ~marks.mask());
    return fmt::format("{0} mark set {0} mark & {1:#010x} | {2:#010x}", kind, ~marks.mask(), value);
}

std::string mark_is(std::string_view kind, const Marks& marks, std::uint32_t value) {
    return fmt::format("{} mark & {:#010x} == {:#010x}", kind, marks.mask(), value);
}

// Before the first generation no flow counts as decided and none is marked so.
bool none_yet(const NftLayout& layout) {
    return layout.generation_mark == layout.marks.none_yet();
}

Rules decided(const NftLayout& layout) {
    if (none_yet(layout)) return {};
    const std::string mark = mark_is("ct", layout.marks, layout.generation_mark);
    // A connection that a conntrack helper expects (FTP data) is born with the mark of the one that
    // announced it; its first packet is asked about as any other. ICMP errors are related as well,
    // and belong to the flow that they speak of.
    return {mark + " ct state != related counter name decided accept",
            mark + " ct status & expected == 0 counter name decided accept"};
}

Rules accepted(const NftLayout& layout) {
    if (none_yet(layout)) return {};
    return {fmt::format("meta mark & {:#010x} == {:#010x} ", layout.marks.generation_mask(),
                        layout.generation_mark) +
            set_mark("ct", layout.marks, layout.generation_mark)};
}

// A question in front of the chain known_connection leads here.
Rules known(const NftLayout& layout) {
    if (none_yet(layout)) return {};
    return {set_mark("ct", layout.marks, layout.generation_mark), "counter name known jump keep_known",
            set_mark("ct", layout.marks, 0), "accept"};
}

// The same for known_datagram: the mark alone lets no sender pass.
Rules known_sender(const NftLayout& layout) {
    if (none_yet(layout)) return {};
    return {set_mark("ct", layout.marks, layout.generation_mark), "counter name known accept"};
}

// The flow is marked: it stays so if the connection is still its sender's (a question in front of `keep` and
// `keep_known` leads to `pass`).
Rules take(const Marks& marks) { return {"jump accepted", "jump keep", set_mark("ct", marks, 0)}; }
Rules pass(const Marks& marks) { return {set_mark("meta", marks, 0), "accept"}; }

std::string queue_it(const NftLayout& layout) {
    return fmt::format("counter name queued goto {}", layout.queues > 1 ? "spread" : "undecided");
}

Rules ask(const NftLayout& layout) {
    // `ct direction` matches nothing for invalid and untracked packets: they are asked about too.
    return {set_mark("meta", layout.marks, layout.generation_mark), "ct direction reply goto reply_out",
            "jump slot", queue_it(layout)};
}

// Packets that come in or pass through have no sender here. Each SYN among them: conntrack keeps connections that
// have no socket any more, and who listens on the port by now need not be the one that was accepted.
// What goes to all of a network may be for several sockets: the bits of a slot, which nobody needs here, say so.
Rules ask_in(const NftLayout& layout) {
    Rules rules{set_mark("meta", layout.marks, layout.generation_mark), "ct direction reply goto reply"};
    if (layout.asks_source)
        rules.push_back(fmt::format("fib daddr type {{ broadcast, multicast }} meta mark set meta mark | {:#010x}",
                                    layout.marks.slot_mask()));
    rules.push_back(queue_it(layout));
    return rules;
}

Rules reply(const NftLayout& layout) {
    return {set_mark("meta", layout.marks, layout.marks.reply()),
            queue_it(layout)};
}

// Who answers need not be who was asked: programs may share a port. A connection has one socket alone.
Rules reply_out(const NftLayout& layout) {
    return {set_mark("meta", layout.marks, layout.marks.reply()), "meta l4proto != tcp jump slot",
            queue_it(layout)};
}

Rules set_slot_bit(std::uint32_t bit) {
    return {fmt::format("meta mark set meta mark | {:#010x}", bit)};
}

Rules closed(const NftLayout& layout) { return layout.bypass ? Rules{} : Rules{"drop"}; }

// Where the queue rule ends the chain, `drop` is never reached; it says what must be true.
Rules undecided(const NftLayout& layout, int number) {
    Rules rules = closed(layout);
    rules.insert(rules.begin(),
                 fmt::format("queue num {}{}", layout.queue + number, layout.bypass ? " bypass" : ""));
    return rules;
}

// A flow's packets of both directions to the same queue: by the bits of both ports, added without carry. Not by the
// last one: connect() chooses even ports.
Rules spread(const NftLayout& layout) {
    const int bits = (layout.queues - 1) << 1;
    std::string places;
    for (int source = 0; source <= bits; source += 2)
        for (int destination = 0; destination <= bits; destination += 2)
            places += fmt::format("{}{} . {} : goto {}", places.empty() ? "" : ", ", source, destination,
                                  nft_undecided_chain((source ^ destination) >> 1));
    return {fmt::format("meta l4proto {{ tcp, udp, udplite }} th sport & {0} . th dport & {0} vmap {{ {1} }}", bits,
                        places),
            "goto undecided"};
}

// Passes IPv6 neighbour discovery that the kernel itself sends: without it the link is dead. What a
// process sends through a raw socket has a user id and is asked about, or it would be an open door.
// Multicast membership reports (MLD, IGMP) are asked about as well: any process makes the kernel
// send them, with groups of its choice, and neighbour discovery works on a link without them (a
// switch that snoops MLD needs them: there a rule has to accept what the kernel sends).
Rules neighbour_out() { return {"meta skuid >= 0 return", "counter name neighbour accept"}; }

// Passes the resets and ICMP errors by which we refuse: they belong to a flow that is not decided
// and never will be. Those that a process forges have a user id.
Rules answer_out() { return {"meta skuid >= 0 return", "counter name answers accept"}; }

constexpr std::string_view neighbour_match =
    "icmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } "
    "ip6 hoplimit 255";

// Packets by which a socket can begin a flow. Others of a TCP connection carry sequence numbers that
// nobody else knows; other ICMP is sent by the kernel, and conntrack has no flows of it.
constexpr std::string_view syn = "tcp flags & (syn | ack) == syn";
constexpr std::string_view opening_packets[] = {
    "meta l4proto udp",  // a rule of its own: compared faster than looked up
    "meta l4proto udplite",
    "meta l4proto != { tcp, udp, udplite, icmp, icmpv6 }",
    "icmp type { echo-request, timestamp-request, info-request, address-mask-request }",
    "icmpv6 type echo-request"};

// Takes the verdict from a flow whose port has gone to another socket: conntrack knows the tuple only
// and outlives the sender. A rule in front of this (NftQueueRule) spares senders that are the same.
std::string forget_verdict(const Marks& marks) { return set_mark("ct", marks, 0); }

std::string refusal(const Marks& marks) {
    return "ct state related " + mark_is("ct", marks, marks.reject());
}

// Most packets are of connections that have been decided: the shortest way is theirs.
Rules tcp_out(const NftLayout& layout) {
    return {std::string(syn) + " goto connection", "jump decided",
            refusal(layout.marks) + " jump answer_out", "goto ask"};
}

// `ct direction` matches nothing for packets without conntrack: no mark would tell that they are decided.
Rules connection() {
    return {"ct direction original jump known_connection", "jump owner", "jump decided", "goto ask"};
}

// A connection's first packet that is not the latest owner's. Asked about at once: a verdict on the former
// owner's last packet, coming back just now, could mark the flow again before `decided` looks.
Rules owner(const NftLayout& layout) { return {forget_verdict(layout.marks), "goto ask"}; }

// Datagrams. Those of senders that were accepted go by `decided` (a question in front leads there).
Rules sender(const NftLayout& layout) {
    return {forget_verdict(layout.marks),
            "meta l4proto { udp, udplite } ct direction original jump known_datagram", "goto ask"};
}

Rules accepted_out() { return {"meta l4proto tcp goto accepted_connection", "goto accepted"}; }

constexpr std::string_view loopback_passes = "counter name loopback accept";

// Any program may send from an address that is not this host's (IPV6_FREEBIND), and what answers to that leaves
// the host in the kernel's name. Most need no look-up.
Rules loopback_out(const NftLayout& layout) {
    if (!layout.asks_source) return {std::string(loopback_passes)};
    Rules rules;
    for (const char* source : {"ip saddr 127.0.0.0/8", "ip6 saddr ::1", "fib saddr type local"})
        rules.push_back(fmt::format("{} {}", source, loopback_passes));
    // The resets by which we refuse come from the other end, and nobody sends them.
    rules.push_back("jump answer_out");
    return rules;
}

// First, for every packet: our bits are ours alone. A socket may have put some there (SO_MARK), and below only a
// packet that came back from the daemon may carry any.
std::string take_off_mark(const Marks& marks) {
    return fmt::format("meta mark & {:#010x} != 0 {}", marks.mask(), set_mark("meta", marks, 0));
}

Rules output(const NftLayout& layout) {
    Rules rules{"type filter hook output priority -140; policy accept;", take_off_mark(layout.marks)};
    if (!layout.filter_loopback) rules.push_back(fmt::format("oif {} jump loopback_out", loopback_index));
    rules.push_back("meta l4proto tcp goto tcp_out");
    for (const std::string_view opening : opening_packets)
        rules.push_back(fmt::format("{} jump sender", opening));
    // An ICMP error has the mark of the flow that it speaks of. The kernel's own has no user id; a process
    // could put anything into one.
    rules.push_back("meta l4proto { icmp, icmpv6 } meta skuid >= 0 goto ask");
    rules.push_back("jump decided");
    rules.push_back(refusal(layout.marks) + " jump answer_out");
    rules.push_back(std::string(neighbour_match) + " jump neighbour_out");
    rules.push_back("goto ask");
    return rules;
}

// What comes in over lo has passed `output` before.
Rules input(const NftLayout& layout) {
    Rules rules{"type filter hook input priority -140; policy accept;", take_off_mark(layout.marks)};
    if (!layout.filter_loopback)
        rules.push_back(fmt::format("iif {} {}", loopback_index, loopback_passes));
    const std::string from_outside = layout.filter_loopback ? fmt::format("iif != {} ", loopback_index) : "";
    rules.push_back(fmt::format("{}{} goto ask_in", from_outside, syn));
    rules.push_back("jump decided");
    if (layout.filter_loopback)
        rules.push_back(fmt::format("iif {} {} accept", loopback_index, refusal(layout.marks)));
    rules.push_back(std::string(neighbour_match) + " counter name neighbour accept");
    rules.push_back("goto ask_in");
    return rules;
}

Rules forward(const NftLayout& layout) {
    return {"type filter hook forward priority -140; policy accept;",
            take_off_mark(layout.marks), std::string(syn) + " goto ask_in", "jump decided", "goto ask_in"};
}

// DNS is copied as it passes (bpf/dns.h). `port_bit`: where the header has the server's port; one comparison for
// packets of any protocol, and the program behind it looks closer.
std::string copy_dns(const NftLayout& layout, int port_bit, std::string_view chain) {
    if (layout.programs.dns_query < 0) return {};
    return fmt::format("@th,{},16 53 meta mark & {:#010x} != {:#010x} jump {}", port_bit, layout.marks.mask(),
                       layout.marks.reject(), chain);
}

// What has been accepted comes by, now or with its flow. `first`: a rule in front, or nothing.
Rules verdict(const NftLayout& layout, std::string_view head, const std::string& first,
              std::string_view accepted_chain) {
    const Marks& marks = layout.marks;
    Rules rules{std::string(head)};
    if (!first.empty()) rules.push_back(first);
    rules.push_back(mark_is("meta", marks, 0) + " accept");
    rules.push_back(mark_is("meta", marks, marks.reject()) + " counter name rejected goto refuse");
    rules.push_back(fmt::format("jump {}", accepted_chain));
    rules.push_back(set_mark("meta", marks, 0));
    return rules;
}

// The conntrack mark lets our answer be known as such when it comes by `output` in its turn.
Rules refuse(const NftLayout& layout) {
    return {set_mark("meta", layout.marks, 0), set_mark("ct", layout.marks, layout.marks.reject()),
            "meta l4proto tcp reject with tcp reset", "reject with icmpx type admin-prohibited"};
}

// Never jumped to. A rule that asks for the bytes of a flow makes the kernel count them (nft_ct.c,
// nf_ct_set_acct), in this network namespace and from now on; the sysctl would need a right to /proc/sys.
Rules accounting() { return {"ct bytes 0"}; }

std::string block(std::string_view kind, std::string_view name, const Rules& lines) {
    std::string out = fmt::format("\t{} {} {{\n", kind, name);
    for (const std::string& line : lines) out += "\t\t" + line + "\n";
    return out + "\t}\n";
}

std::string replace_rules(std::string_view chain, const Rules& rules) {
    std::string out = fmt::format("flush chain {} {}\n", table_name, chain);
    for (const std::string& rule : rules) {
        out += fmt::format("add rule {} {} {}\n", table_name, chain, rule);
    }
    return out;
}

std::string probe(std::string_view rule) {
    return fmt::format("add table inet doorward-probe\n"
                       "add chain inet doorward-probe probe\n"
                       "add rule inet doorward-probe probe {}\n"
                       "delete table inet doorward-probe\n",
                       rule);
}

}  // namespace

std::string nft_undecided_chain(int number) { return number == 0 ? "undecided" : fmt::format("undecided{}", number); }

std::string nft_table_text(const NftLayout& layout, OldTable old) {
    std::string out = old == OldTable::removed ? nft_remove_text()
                                               : fmt::format("add table {0}\nflush table {0}\n", table_name);
    out += fmt::format("table {} {{\n", table_name);
    for (const char* counter : {"decided", "known", "loopback", "neighbour", "answers", "queued", "rejected"}) {
        out += block("counter", counter, {});
    }
    out += block("chain", "accounting", accounting());
    out += block("chain", "decided", decided(layout));
    out += block("chain", "neighbour_out", neighbour_out());
    out += block("chain", "answer_out", answer_out());
    if (!layout.filter_loopback) out += block("chain", "loopback_out", loopback_out(layout));
    for (int i = 0; i < layout.queues; ++i) out += block("chain", nft_undecided_chain(i), closed(layout));
    if (layout.queues > 1) out += block("chain", "spread", spread(layout));
    // The sender's slot, in three bits of the mark. Rules in front of these ask for each bit.
    for (const int bit : {0, 1, 2}) {
        out += block("chain", fmt::format("slot_bit{}", bit),
                     set_slot_bit(layout.marks.slot_bit(bit)));
    }
    out += block("chain", "slot", {});
    out += block("chain", "reply", reply(layout));
    out += block("chain", "reply_out", reply_out(layout));
    out += block("chain", "pass", pass(layout.marks));
    out += block("chain", "keep", {});
    out += block("chain", "keep_known", {});
    out += block("chain", "deny", {"drop"});
    out += block("chain", "known", known(layout));
    out += block("chain", "known_connection", {});
    out += block("chain", "known_datagram", {});
    out += block("chain", "ask", ask(layout));
    out += block("chain", "ask_in", ask_in(layout));
    out += block("chain", "known_sender", known_sender(layout));
    out += block("chain", "owner", owner(layout));
    out += block("chain", "sender", sender(layout));
    out += block("chain", "connection", connection());
    out += block("chain", "tcp_out", tcp_out(layout));
    // After conntrack (-200) and the mangling of others (-150), before destination NAT (-100): the
    // packet still goes where the program asked.
    out += block("chain", "output", output(layout));
    out += block("chain", "input", input(layout));
    out += block("chain", "accepted", accepted(layout));
    out += block("chain", "take", take(layout.marks));
    out += block("chain", "accepted_connection", {});
    out += block("chain", "accepted_out", accepted_out());
    out += block("chain", "refuse", refuse(layout));
    out += block("chain", "dns_query", {});
    out += block("chain", "dns_answer", {});
    // Type route: a packet whose mark the daemon changed was routed by the changed mark when it
    // came back; here the mark is the sender's again, and so must the route be.
    out += block("chain", "verdict_out",
                 verdict(layout, "type route hook output priority -139; policy accept;",
                         copy_dns(layout, remote_port_out, "dns_query"), "accepted_out"));
    out += block("chain", "verdict_in",
                 verdict(layout, "type filter hook input priority -139; policy accept;",
                         copy_dns(layout, remote_port_in, "dns_answer"), "accepted"));
    if (layout.filter_forward) {
        out += block("chain", "forward", forward(layout));
        out += block("chain", "verdict_forward",
                     verdict(layout, "type filter hook forward priority -139; policy accept;", {}, "accepted"));
    }
    return out + "}\n";
}

std::string nft_generation_text(const NftLayout& layout) {
    return replace_rules("decided", decided(layout)) + replace_rules("ask", ask(layout)) +
           replace_rules("ask_in", ask_in(layout)) + replace_rules("accepted", accepted(layout)) +
           replace_rules("known", known(layout)) +
           replace_rules("known_sender", known_sender(layout));
}

std::string nft_undecided_text(const NftLayout& layout) {
    std::string out;
    for (int i = 0; i < layout.queues; ++i) out += replace_rules(nft_undecided_chain(i), undecided(layout, i));
    return out;
}

std::string nft_probe_text(const NftLayout& layout) { return probe(fmt::format("queue num {}", layout.queue)); }

std::string nft_source_probe_text() { return probe("fib saddr type local"); }

std::string nft_without_senders_text(const NftLayout& layout) {
    return replace_rules("owner", {forget_verdict(layout.marks)}) + replace_rules("sender", {}) +
           replace_rules("accepted_out", {"goto accepted"});
}

std::string nft_remove_text() {
    return fmt::format("add table {0}\ndelete table {0}\n", table_name);
}

}  // namespace doorward
