// SPDX-License-Identifier: GPL-2.0-or-later
// Rules about the file behind a process: what is not known is met by nothing.
#include <catch2/catch.hpp>

#include "oracle.hpp"
#include "rules/condition_text.hpp"
#include "rules/yaml_rules.hpp"

using namespace doorward;

namespace {

const std::string digest_a = "a3" + std::string(62, '0');
const std::string digest_b = "b3" + std::string(62, '0');

std::shared_ptr<const Ruleset> compile(const std::string& rules) {
    auto parsed = parse_rules("rules:\n" + rules, "t.yaml");
    INFO((parsed ? std::string() : parsed.error().text()));
    REQUIRE(parsed);
    auto ruleset = Ruleset::compile(std::move(*parsed), {}, oracle::test_environment());
    REQUIRE(ruleset);
    return *ruleset;
}

std::string refusal(const std::string& key, const std::string& value) {
    const auto parsed = parse_rules("rules:\n- name: r\n  action: accept\n  " + key + ": " + value +
                                        "\n", "t.yaml");
    return parsed ? "accepted" : parsed.error().text();
}

Process curl() {
    Process process;
    process.pid = 7;
    process.exe = "/usr/bin/curl";
    return process;
}

struct Asked {
    bool met;
    Facts open;
};

Asked ask(const Ruleset& rules, const Process* process, const ExecutableContent* content) {
    Flow flow;
    flow.protocol = Protocol::tcp;
    flow.process = process;
    flow.unknown = process ? Unknown::none : Unknown::no_binding;
    flow.content = content;
    const Decision decision = rules.decide(flow, 0);
    return {decision.rule != Decision::no_rule, unanswered(decision, flow)};
}

ExecutableContent known(Facts asked) { return ExecutableContent::nothing(asked, NoContent::none); }

}  // namespace

TEST_CASE("a pinned rule is met by its digest and by nothing else") {
    const auto rules = compile("- {name: r, sha256: [" + digest_a + "], action: accept}\n");
    const Process process = curl();
    auto content = known({Fact::sha256});
    CHECK_FALSE(ask(*rules, &process, &content).met);  // asked for, and not known: empty is no match
    content.sha256 = Sha256{};
    CHECK_FALSE(ask(*rules, &process, &content).met);
    content.sha256 = parse_sha256_hex(digest_b);
    CHECK_FALSE(ask(*rules, &process, &content).met);
    content.sha256 = parse_sha256_hex(digest_a);
    CHECK(ask(*rules, &process, &content).met);
    CHECK_FALSE(ask(*rules, nullptr, &content).met);  // no process, no file
    // Neither as a digest of another kind nor as a package.
    auto other = known(Facts::all());
    other.verity = "sha256:" + digest_a;
    other.package = digest_a;
    CHECK_FALSE(ask(*rules, &process, &other).met);
}

TEST_CASE("the digest of nothing does not match a file that could not be read") {
    const auto rules = compile("- {name: r, sha256: " + std::string(64, '0') + ", action: accept}\n"
                               "- {name: d, verity: 'sha256:" + std::string(64, '0') +
                               "', action: accept}\n- {name: p, package: '*', action: accept}\n");
    const Process process = curl();
    const auto content = ExecutableContent::nothing(Facts::all(), NoContent::gone);
    CHECK_FALSE(ask(*rules, &process, &content).met);
}

TEST_CASE("what nobody has looked at is asked for, once it matters") {
    const auto rules = compile("- {name: p, port: 443, sha256: " + digest_a + ", action: accept}\n"
                               "- {name: q, app: /usr/bin/curl, package: curl, action: accept}\n");
    Process process = curl();
    CHECK(ask(*rules, &process, nullptr).open == Facts{Fact::package});  // the port does not match
    process.exe = "/usr/bin/wget";
    CHECK(ask(*rules, &process, nullptr).open.none());
    CHECK(ask(*rules, nullptr, nullptr).open.none());
    process = curl();
    auto content = known({Fact::sha256});
    CHECK(ask(*rules, &process, &content).open == Facts{Fact::package});
    content.asked = {Fact::package};
    CHECK(ask(*rules, &process, &content).open.none());
    CHECK_FALSE(ask(*rules, &process, &content).met);
    content.package = "curl";
    CHECK(ask(*rules, &process, &content).met);
}

TEST_CASE("packages by name and by pattern") {
    const Process process = curl();
    const auto meets = [&](const std::string& pattern, const std::string& package) {
        auto content = known({Fact::package});
        content.package = package;
        const auto rules = compile("- {name: r, package: '" + pattern + "', action: accept}\n");
        return ask(*rules, &process, &content).met;
    };
    CHECK(meets("curl", "curl"));
    CHECK(meets("python3*", "python3.11-minimal"));
    CHECK(meets("g++", "g++"));
    CHECK_FALSE(meets("curl", "libcurl4"));
    CHECK_FALSE(meets("curl", "curl2"));
    CHECK_FALSE(meets("python3*", "python2"));
    CHECK_FALSE(meets("*", ""));
}

TEST_CASE("digests in either case, and nothing but digests") {
    CHECK(parse_sha256(std::string(64, 'A')).value() == parse_sha256(std::string(64, 'a')).value());
    CHECK(to_hex(parse_sha256(digest_a).value()) == digest_a);
    CHECK(parse_verity("sha512:" + std::string(128, 'F')).value() ==
          "sha512:" + std::string(128, 'f'));
    for (const auto& text : {std::string(), std::string(63, 'a'), std::string(65, 'a'),
                             std::string(63, 'a') + "g", "0x" + std::string(62, 'a'),
                             std::string(64, 'a') + "\n", "sha256:" + digest_a})
        CHECK_FALSE(parse_sha256(text));
    for (const auto& text : {std::string(), digest_a, "sha256:" + std::string(63, 'a'),
                             "sha256:" + std::string(128, 'a'), "sha512:" + digest_a,
                             "md5:" + std::string(32, 'a'), "sha256:" + std::string(63, 'a') + "x"})
        CHECK_FALSE(parse_verity(text));
    for (const char* text : {"", "a b", "a/b", "/usr/bin/curl", "libc6:amd64", "[a", "a\tb"})
        CHECK_FALSE(parse_package(text));
}

TEST_CASE("errors about the file of an executable name place and remedy") {
    CHECK(refusal("sha256", "abc") ==
          "t.yaml:4:11: rule \"r\": sha256: \"abc\" is not a SHA-256 digest (use 64 hexadecimal "
          "digits, as `sha256sum` prints them)");
    CHECK(refusal("package", "libc6:amd64").find("(write the name without architecture, such as "
                                                 "libc6)") != std::string::npos);
    CHECK(refusal("verity", digest_a).find("fsverity measure") != std::string::npos);
    CHECK(refusal("sha256", "[]") != "accepted");
    CHECK(refusal("app: unknown\n  package", "curl") != "accepted");
}

TEST_CASE("reasons for not knowing a file have names of their own") {
    std::vector<std::string_view> names;
    for (std::size_t i = 0; i < no_content_reasons; ++i)
        names.push_back(no_content_name(static_cast<NoContent>(i)));
    std::ranges::sort(names);
    CHECK(std::ranges::adjacent_find(names) == names.end());
    CHECK(names.front() != "");
    for (const auto name : names) CHECK(no_content_name(parse_no_content(name).value()) == name);
    CHECK_FALSE(parse_no_content("empty"));
}
