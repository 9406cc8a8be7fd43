// SPDX-License-Identifier: GPL-2.0-or-later
#include <catch2/catch.hpp>

#include "fwd/nft_text.hpp"

using namespace doorward;
using Catch::Contains;
using Catch::Matchers::StartsWith;

namespace {

NftLayout some_layout() {
    NftLayout layout;
    layout.queue = 4870;
    layout.marks = Marks(0x00ff0000);
    layout.generation_mark = layout.marks.generation(0);
    return layout;
}

// The lines of one chain, as written in the table's text.
std::string chain(const std::string& text, const std::string& name) {
    const std::size_t begin = text.find("\tchain " + name + " {\n");
    REQUIRE(begin != std::string::npos);
    return text.substr(begin, text.find("\t}\n", begin) - begin);
}

}  // namespace

TEST_CASE("a table is replaced with its hooks or by its rules alone") {
    const std::string whole = nft_table_text(some_layout());
    const std::string rules = nft_table_text(some_layout(), OldTable::emptied);
    CHECK_THAT(whole, StartsWith("add table inet doorward\ndelete table inet doorward\n"));
    CHECK_THAT(rules, StartsWith("add table inet doorward\nflush table inet doorward\n"));
    CHECK_THAT(rules, !Contains("delete "));
    CHECK(whole.substr(whole.find("table inet doorward {")) == rules.substr(rules.find("table inet doorward {")));
}

TEST_CASE("the table replaces its predecessor in the same transaction", "[nft_text]") {
    const std::string text = nft_table_text(some_layout());
    CHECK(text.starts_with("add table inet doorward\ndelete table inet doorward\n"
                           "table inet doorward {\n"));
    CHECK_THAT(text, !Contains("flush"));
}

TEST_CASE("undecided packets are queued, and only bypass lets them pass", "[nft_text]") {
    NftLayout layout = some_layout();
    const std::string closed = chain(nft_table_text(layout), "undecided");
    CHECK_THAT(closed, Contains("drop\n") && !Contains("queue"));
    CHECK_THAT(nft_undecided_text(layout), Contains("queue num 4870\n") && Contains("drop"));
    layout.bypass = true;
    CHECK(chain(nft_table_text(layout), "undecided") == "\tchain undecided {\n");
    CHECK_THAT(nft_undecided_text(layout), Contains("queue num 4870 bypass\n") && !Contains("drop"));
}

TEST_CASE("several queues have a chain each, and one has no others", "[nft_text]") {
    NftLayout layout = some_layout();
    CHECK_THAT(nft_table_text(layout), !Contains("spread") && !Contains("undecided1"));
    layout.queues = 2;
    const std::string text = nft_table_text(layout);
    for (const std::string name : {"undecided", "undecided1"})
        CHECK_THAT(chain(text, name), Contains("drop\n") && !Contains("queue"));
    CHECK_THAT(text, !Contains("undecided2") && !Contains("queued goto undecided"));
    CHECK_THAT(chain(text, "spread"),
               Contains("th sport & 2 . th dport & 2 vmap { 0 . 0 : goto undecided, 0 . 2 : goto undecided1, "
                        "2 . 0 : goto undecided1, 2 . 2 : goto undecided }\n\t\tgoto undecided\n"));
    CHECK_THAT(nft_undecided_text(layout), Contains("queue num 4870\n") && Contains("queue num 4871\n"));
    layout.bypass = true;
    CHECK(chain(nft_table_text(layout), "undecided1") == "\tchain undecided1 {\n");
    CHECK_THAT(nft_undecided_text(layout), Contains("queue num 4871 bypass\n") && !Contains("drop"));
}

TEST_CASE("asking for the queue statement leaves nothing behind", "[nft_text]") {
    const std::string text = nft_probe_text(some_layout());
    CHECK_THAT(text, Contains("queue num 4870\n") && !Contains("inet doorward "));
    CHECK(text.ends_with("delete table inet doorward-probe\n"));
}

TEST_CASE("only bits under the mask are read and written", "[nft_text]") {
    const std::string text = nft_table_text(some_layout());
    CHECK_THAT(chain(text, "decided"), Contains("ct mark & 0x00ff0000 == 0x00180000"));
    CHECK_THAT(chain(text, "accounting"), Contains("ct bytes"));
    CHECK_THAT(chain(text, "accepted"), Contains("meta mark & 0x00f80000 == 0x00180000 ct mark set "
                                                 "ct mark & 0xff00ffff | 0x00180000"));
    CHECK_THAT(chain(text, "output"), Contains("meta mark set meta mark & 0xff00ffff\n"));
    CHECK_THAT(text, !Contains("0x7f000000"));
}

TEST_CASE("marks of senders are cleared before anything passes", "[nft_text]") {
    for (const bool filter_loopback : {false, true}) {
        NftLayout layout = some_layout();
        layout.filter_loopback = filter_loopback;
        for (const std::string name : {"output", "input"}) {
            const std::string rules = chain(nft_table_text(layout), name);
            const std::size_t clear = rules.find("meta mark & 0x00ff0000 != 0 meta mark set meta mark & 0xff00ffff");
            REQUIRE(clear != std::string::npos);
            CHECK(clear < rules.find("jump"));
            CHECK(clear < rules.find("counter"));
            CHECK(rules.ends_with(name == "output" ? "goto ask\n" : "goto ask_in\n"));
        }
    }
}

TEST_CASE("loopback passes unless it is filtered", "[nft_text]") {
    NftLayout layout = some_layout();
    const std::string passes = nft_table_text(layout);
    CHECK_THAT(chain(passes, "output"), Contains("oif 1 jump loopback_out\n"));
    CHECK(chain(passes, "loopback_out") == "\tchain loopback_out {\n\t\tcounter name loopback accept\n");
    CHECK_THAT(chain(passes, "input"), Contains("iif 1 counter name loopback accept"));
    layout.filter_loopback = true;
    for (const bool asks_source : {false, true}) {
        layout.asks_source = asks_source;
        CHECK_THAT(nft_table_text(layout), !Contains("counter name loopback"));
    }
}

TEST_CASE("loopback passes only from this host's addresses where the kernel can tell", "[nft_text]") {
    NftLayout layout = some_layout();
    layout.asks_source = true;
    const std::string text = nft_table_text(layout);
    // Of the rest only what nobody sends: it comes after all that pass by their address.
    CHECK(chain(text, "loopback_out") == "\tchain loopback_out {\n"
                                         "\t\tip saddr 127.0.0.0/8 counter name loopback accept\n"
                                         "\t\tip6 saddr ::1 counter name loopback accept\n"
                                         "\t\tfib saddr type local counter name loopback accept\n"
                                         "\t\tjump answer_out\n");
    const std::string out = chain(text, "output");
    CHECK(out.find("oif 1 jump loopback_out") < out.find("goto tcp_out"));
    CHECK_THAT(out, !Contains("counter name loopback"));
    // What goes out over loopback is all that comes in there.
    CHECK_THAT(chain(text, "input"), Contains("iif 1 counter name loopback accept") && !Contains("fib"));
}

TEST_CASE("asking for the look-up of addresses leaves nothing behind", "[nft_text]") {
    const std::string text = nft_source_probe_text();
    CHECK_THAT(text, Contains("fib saddr type local\n") && !Contains("inet doorward "));
    CHECK(text.ends_with("delete table inet doorward-probe\n"));
}

TEST_CASE("a connection that begins from outside is asked about though its tuple was decided", "[nft_text]") {
    NftLayout layout = some_layout();
    layout.filter_forward = true;
    const std::string text = nft_table_text(layout);
    const std::string asked = "tcp flags & (syn | ack) == syn goto ask_in\n";
    for (const std::string name : {"input", "forward"}) {
        const std::string rules = chain(text, name);
        REQUIRE(rules.find(asked) != std::string::npos);
        CHECK(rules.find(asked) < rules.find("jump decided"));
    }
    CHECK_THAT(chain(text, "output"), !Contains(asked));
    // Over loopback the one who connects was asked about.
    const std::string in = chain(text, "input");
    CHECK(in.find("iif 1 counter name loopback accept") < in.find(asked));
    layout.filter_loopback = true;
    CHECK_THAT(chain(nft_table_text(layout), "input"), Contains("iif != 1 " + asked));
}

TEST_CASE("before the first generation nothing is decided", "[nft_text]") {
    NftLayout layout = some_layout();
    layout.generation_mark = layout.marks.none_yet();
    const std::string text = nft_table_text(layout);
    CHECK_THAT(text, !Contains("counter name decided"));
    CHECK(chain(text, "accepted") == "\tchain accepted {\n");
    CHECK(nft_generation_text(layout).starts_with("flush chain inet doorward decided\n"
                                                  "flush chain inet doorward ask\n"));
}

TEST_CASE("a new generation changes only what speaks of it", "[nft_text]") {
    NftLayout layout = some_layout();
    const std::string text = nft_generation_text(layout);
    CHECK_THAT(text, Contains("0x00180000") && !Contains("chain inet doorward undecided"));
    layout.generation_mark = layout.marks.generation(1);
    CHECK_THAT(nft_generation_text(layout), Contains("0x00200000") && !Contains("0x00180000"));
}

TEST_CASE("a packet's sender is asked for only where it leaves", "[nft_text]") {
    const std::string text = nft_table_text(some_layout());
    CHECK_THAT(chain(text, "slot_bit0"), Contains("meta mark set meta mark | 0x00010000"));
    CHECK_THAT(chain(text, "slot_bit1"), Contains("meta mark set meta mark | 0x00020000"));
    CHECK_THAT(chain(text, "ask"), Contains("ct direction reply goto reply_out\n\t\tjump slot\n"));
    CHECK_THAT(chain(text, "reply"), Contains("0x00100000") && !Contains("slot"));
    CHECK_THAT(chain(text, "reply_out"), Contains("0x00100000") && Contains("meta l4proto != tcp jump slot\n"));
    // Rules in front of these are put there by another way; without them nothing is marked.
    CHECK(chain(text, "slot") == "\tchain slot {\n");
    CHECK(chain(text, "accepted_connection") == "\tchain accepted_connection {\n");
    CHECK_THAT(nft_without_senders_text(some_layout()),
               Contains("accepted_out goto accepted") && !Contains("chain inet doorward slot"));
}

TEST_CASE("datagrams are asked about by their sender, connections by their owner", "[nft_text]") {
    const std::string text = nft_table_text(some_layout());
    CHECK_THAT(chain(text, "output"), Contains("meta l4proto udp jump sender\n\t\tmeta l4proto udplite jump sender\n") &&
                                          Contains("meta l4proto tcp goto tcp_out\n") &&
                                          !Contains("jump owner"));
    CHECK_THAT(chain(text, "connection"), Contains("jump owner") && !Contains("jump sender"));
    // Whom the questions in front of these do not know has no way past the queue.
    for (const std::string name : {"owner", "sender"}) {
        const std::string rules = chain(text, name);
        CHECK(rules.ends_with("goto ask\n"));
        CHECK_THAT(rules, !Contains("decided") && !Contains("accept"));
    }
    CHECK_THAT(chain(text, "accepted_out"), Contains("meta l4proto tcp goto accepted_connection"));
}

TEST_CASE("ICMP that a process sends goes by no flow's mark", "[nft_text]") {
    const std::string rules = chain(nft_table_text(some_layout()), "output");
    const std::size_t asked = rules.find("meta l4proto { icmp, icmpv6 } meta skuid >= 0 goto ask\n");
    REQUIRE(asked != std::string::npos);
    CHECK(asked < rules.find("jump decided"));
    CHECK(rules.find("icmp type") < asked);
}

TEST_CASE("what passes through is left alone unless it is to be filtered", "[nft_text]") {
    NftLayout layout = some_layout();
    CHECK_THAT(nft_table_text(layout), !Contains("hook forward"));
    layout.filter_forward = true;
    const std::string rules = chain(nft_table_text(layout), "forward");
    CHECK_THAT(rules, Contains("hook forward priority -140") && Contains("jump decided\n"));
    CHECK(rules.ends_with("goto ask_in\n"));
    CHECK_THAT(chain(nft_table_text(layout), "verdict_forward"), Contains("priority -139"));
}

TEST_CASE("what comes in for a group is marked so, where the kernel can tell", "[nft_text]") {
    NftLayout layout = some_layout();
    CHECK_THAT(nft_table_text(layout), !Contains("fib daddr"));
    layout.asks_source = true;
    const std::string rules = chain(nft_table_text(layout), "ask_in");
    const std::string marked = "fib daddr type { broadcast, multicast } meta mark set meta mark | 0x00070000\n";
    CHECK_THAT(rules, Contains(marked));
    CHECK(rules.find("goto reply") < rules.find(marked));  // an answer is its asker's
    CHECK(rules.ends_with("counter name queued goto undecided\n"));
    CHECK_THAT(chain(nft_table_text(layout), "ask"), !Contains("fib daddr"));
    CHECK_THAT(nft_generation_text(layout), Contains(marked));
}
