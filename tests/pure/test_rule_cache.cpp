// SPDX-License-Identifier: GPL-2.0-or-later
#include <catch2/catch.hpp>

#include "fwd/rule_cache.hpp"
#include "lacks_root.hpp"
#include "rules/rule_pack_codec.hpp"
#include "rules/yaml_rules.hpp"
#include "temp_folder.hpp"

using namespace doorward;

namespace {

constexpr const char* all_of_it = R"(
profiles:
  home: {gateway: 192.0.2.1, gateway_mac: "52:54:00:00:00:01", interface: wl*, domain: example.org}
sets:
  web: {ports: [80, 443, 8000-8080]}
  near: {addresses: [lan, 203.0.113.0/24]}
rules:
  - user: alice
    tags: [night]
    rules:
      - {name: one, app: /usr/bin/curl, to: set:near, action: accept, comment: "first"}
  - name: two
    port: set:web
    profile: home
    not: {to: private, user: [root, "1001"]}
    expires: 2030-01-01T00:00:00Z
    log: journal
    enabled: false
    action: reject
)";

RuleFile file_of(std::string text, std::string path = "/r/a.yaml") {
    return {std::move(path), std::move(text)};
}

std::string packed(std::string_view text) {
    std::string bytes;
    RulePackCodec::append(**parse_rule_pack(text, "f"), bytes);
    return bytes;
}

}  // namespace

TEST_CASE("a pack comes back from its bytes as it was") {
    const auto before = parse_rule_pack(all_of_it, "f");
    REQUIRE(before);
    const std::string bytes = packed(all_of_it) + "rest";
    std::string_view view = bytes;
    const auto after = RulePackCodec::take(view);
    REQUIRE(after);
    CHECK(view == "rest");
    CHECK(after->file() == "f");
    const auto rules = after->rules();
    REQUIRE(same_rules(rules, (*before)->rules()));
    for (std::size_t i = 0; i < rules.size(); ++i)
        CHECK(rules[i].place == (*before)->rules()[i].place);
    REQUIRE(after->sets().size() == 2);
    CHECK(after->sets()[0].name == (*before)->sets()[0].name);
    CHECK(after->sets()[0].values.size() == (*before)->sets()[0].values.size());
    CHECK(after->profiles().at(0).gateway_macs == std::vector<std::string>{"52:54:00:00:00:01"});
    CHECK(after->first_item() == (*before)->first_item());
}

TEST_CASE("bytes that are cut short are no pack") {
    const std::string bytes = packed(all_of_it);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        std::string_view view = std::string_view(bytes).substr(0, size);
        REQUIRE_FALSE(RulePackCodec::take(view));
    }
}

TEST_CASE("whatever the bytes hold, a pack that is taken can be read") {
    const std::string bytes = packed(all_of_it);
    std::size_t taken = 0;
    for (std::size_t at = 0; at < bytes.size(); ++at)
        for (const int value : {0x00, 0x01, 0x7f, 0xff}) {
            std::string other = bytes;
            other[at] = static_cast<char>(value);
            std::string_view view = other;
            const auto pack = RulePackCodec::take(view);
            if (!pack) continue;
            ++taken;
            std::size_t length = 0;
            for (const Rule& rule : pack->rules())
                for (const Term& term : rule.terms)
                    for (const Value& each : term.values) length += each.text.size();
            REQUIRE(length < 100'000);
        }
    CHECK(taken > 0);
}

TEST_CASE("only a file that changed is parsed again") {
    RuleCache cache;
    std::vector<RuleFile> files{file_of(all_of_it), file_of("rules: []", "/r/b.yaml")};
    REQUIRE(cache.parse(files));
    CHECK(cache.parsed() == 2);
    const auto first = cache.parse(files);
    CHECK(cache.parsed() == 2);
    files[1].text = "rules: [{name: x, action: drop}]";
    const auto second = cache.parse(files);
    CHECK(cache.parsed() == 3);
    CHECK((*first)[0] == (*second)[0]);
    CHECK((*second)[1]->size() == 1);
}

TEST_CASE("the same text under another path is another file") {
    RuleCache cache;
    REQUIRE(cache.parse({file_of(all_of_it, "/r/a.yaml")}));
    const auto packs = cache.parse({file_of(all_of_it, "/r/b.yaml")});
    CHECK(cache.parsed() == 2);
    CHECK((*packs)[0]->file() == "/r/b.yaml");
}

TEST_CASE("the form on disk is taken whole, from this version, or not at all") {
    RuleCache::Entries entries;
    entries["f"] = {Sha256{1, 2, 3}, *parse_rule_pack(all_of_it, "f")};
    const std::string bytes = RuleCache::encode(entries);
    RuleCache::Entries again;
    REQUIRE(RuleCache::decode(bytes, again));
    REQUIRE(again.size() == 1);
    CHECK(again.begin()->second.digest == Sha256{1, 2, 3});
    CHECK(same_rules(again.begin()->second.pack->rules(), entries["f"].pack->rules()));
    // Any byte that is another, any that is missing.
    for (std::size_t at = 0; at < bytes.size(); at += 7) {
        std::string other = bytes;
        other[at] = static_cast<char>(other[at] ^ 1);
        REQUIRE_FALSE(RuleCache::decode(other, again));
        REQUIRE_FALSE(RuleCache::decode(std::string_view(bytes).substr(0, at), again));
    }
    CHECK(again.size() == 1);  // what was there is left
}

TEST_CASE("a cache on disk saves the parsing, and is replaced when files change") {
    if (lacks_root("since what others could have written is not read")) return;
    TempFolder folder;
    const std::string path = folder / "rules.cache";
    const std::vector<RuleFile> files{file_of(all_of_it)};
    {
        RuleCache cache(path);
        REQUIRE(cache.parse(files));
        REQUIRE(cache.save());
    }
    RuleCache cache(path);
    REQUIRE(cache.parse(files));
    CHECK(cache.parsed() == 0);
    REQUIRE(cache.parse({file_of("rules: []")}));
    REQUIRE(cache.save());
    RuleCache third(path);
    REQUIRE(third.parse({file_of("rules: []")}));
    CHECK(third.parsed() == 0);
}
