// SPDX-License-Identifier: GPL-2.0-or-later
#include <catch2/catch.hpp>

#include "fwd/nft_text.hpp"

using namespace doorward;
using Catch::Contains;

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

TEST_CASE("the table replaces its predecessor in the same transaction", "[nft_text]") {
    const std::string text = nft_table_text(some_layout(), QueueKind::nft);
    CHECK(text.starts_with("add table inet doorward\ndelete table inet doorward\n"
                           "table inet doorward {\n"));
    CHECK_THAT(text, !Contains("flush"));
}

TEST_CASE("undecided packets are queued, and only bypass lets them pass", "[nft_text]") {
    NftLayout layout = some_layout();
    const std::string nft = chain(nft_table_text(layout, QueueKind::nft), "undecided");
    CHECK_THAT(nft, Contains("queue num 4870\n") && Contains("drop\n"));
    const std::string xtables = chain(nft_table_text(layout, QueueKind::xtables), "undecided");
    CHECK_THAT(xtables, Contains("drop\n") && !Contains("queue"));

    layout.bypass = true;
    const std::string open = chain(nft_table_text(layout, QueueKind::nft), "undecided");
    CHECK_THAT(open, Contains("queue num 4870 bypass\n") && !Contains("drop"));
    CHECK_THAT(nft_undecided_text(layout), Contains("bypass") && !Contains("drop"));
    layout.bypass = false;
    CHECK_THAT(nft_undecided_text(layout), !Contains("bypass") && Contains("drop"));
}

TEST_CASE("only bits under the mask are read and written", "[nft_text]") {
    const std::string text = nft_table_text(some_layout(), QueueKind::nft);
    CHECK_THAT(chain(text, "decided"), Contains("ct mark & 0x00ff0000 == 0x00030000"));
    CHECK_THAT(chain(text, "accepted"), Contains("meta mark & 0x00ff0000 == 0x00030000 ct mark set "
                                                 "ct mark & 0xff00ffff | 0x00030000"));
    CHECK_THAT(chain(text, "output"), Contains("meta mark set meta mark & 0xff00ffff\n"));
    CHECK_THAT(text, !Contains("0x7f000000"));
}

TEST_CASE("marks of senders are cleared before anything passes", "[nft_text]") {
    for (const bool filter_loopback : {false, true}) {
        NftLayout layout = some_layout();
        layout.filter_loopback = filter_loopback;
        for (const std::string name : {"output", "input"}) {
            const std::string rules = chain(nft_table_text(layout, QueueKind::nft), name);
            const std::size_t clear = rules.find("meta mark set meta mark & 0xff00ffff");
            REQUIRE(clear != std::string::npos);
            CHECK(clear < rules.find("jump"));
            CHECK(clear < rules.find("counter"));
            CHECK(rules.ends_with("goto ask\n"));
        }
    }
}

TEST_CASE("loopback passes unless it is filtered", "[nft_text]") {
    NftLayout layout = some_layout();
    const std::string passes = nft_table_text(layout, QueueKind::nft);
    CHECK_THAT(chain(passes, "output"), Contains("oifname \"lo\" counter name loopback accept"));
    CHECK_THAT(chain(passes, "input"), Contains("iifname \"lo\" counter name loopback accept"));
    layout.filter_loopback = true;
    CHECK_THAT(nft_table_text(layout, QueueKind::nft), !Contains("counter name loopback"));
}

TEST_CASE("generation 0 decides nothing", "[nft_text]") {
    NftLayout layout = some_layout();
    layout.generation_mark = 0;
    const std::string text = nft_table_text(layout, QueueKind::nft);
    CHECK_THAT(text, !Contains("counter name decided"));
    CHECK(chain(text, "accepted") == "\tchain accepted {\n");
    CHECK(nft_generation_text(layout).starts_with("flush chain inet doorward decided\n"
                                                  "flush chain inet doorward ask\n"));
}

TEST_CASE("a new generation changes only what speaks of it", "[nft_text]") {
    NftLayout layout = some_layout();
    const std::string text = nft_generation_text(layout);
    CHECK_THAT(text, Contains("0x00030000") && !Contains("chain inet doorward undecided"));
    layout.generation_mark = layout.marks.generation(1);
    CHECK_THAT(nft_generation_text(layout), Contains("0x00040000") && !Contains("0x00030000"));
}
