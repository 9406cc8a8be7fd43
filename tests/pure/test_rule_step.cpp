// SPDX-License-Identifier: GPL-2.0-or-later
#include <catch2/catch.hpp>

#include "fwd/rule_step.hpp"
#include "fwd/text_digest.hpp"

using namespace doorward;

namespace {

const std::string folder = "/rules.d";

RuleFile file(const std::string& name, const std::string& text, mode_t mode = 0640) {
    return {folder + "/" + name, text, mode, 7, 8};
}

const std::vector<RuleFile> before{file("a.yaml", "old a"), file("b.yaml", "b"),
                                   file("c.yaml", "gone")};
const std::vector<RuleFile> after{file("a.yaml", "new a"), file("b.yaml", "b"),
                                  file("d.yaml", "came")};

std::vector<std::pair<std::string, std::string>> texts(const std::vector<RuleFile>& files) {
    std::vector<std::pair<std::string, std::string>> out;
    for (const auto& each : files) out.emplace_back(each.path, each.text);
    return out;
}

}  // namespace

TEST_CASE("changes lead from one folder to the other, and a step back") {
    const auto changes = changes_between(before, after);
    REQUIRE(changes.size() == 3);
    CHECK(changes[0].name == "a.yaml");
    CHECK_FALSE(changes[1].after);
    CHECK_FALSE(changes[2].before);
    CHECK(texts(with_changes(before, changes, folder)) == texts(after));
    const auto back = backwards(step_of("x", false, changes), after, folder);
    REQUIRE(back);
    CHECK(texts(with_changes(after, *back, folder)) == texts(before));
    CHECK(changes_between(before, before).empty());
    CHECK(changes_between({file("a.yaml", "a", 0600)}, {file("a.yaml", "a", 0644)}).size() == 1);
}

TEST_CASE("a step is not taken back over what was changed since") {
    const RuleStep step = step_of("x", false, changes_between(before, after));
    const auto refused = [&](const std::vector<RuleFile>& now) {
        const auto back = backwards(step, now, folder);
        return back ? std::string() : back.error().text();
    };
    CHECK(refused(after).empty());
    auto now = after;
    now[1].text = "b is no part of it";
    CHECK(refused(now).empty());
    now = after;
    now[0].text += " by hand";
    CHECK_THAT(refused(now), Catch::Contains("/rules.d/a.yaml is not any more"));
    now = after;
    now.pop_back();
    CHECK_THAT(refused(now), Catch::Contains("d.yaml"));
    now = after;
    now.push_back(file("c.yaml", "gone"));
    CHECK_THAT(refused(now), Catch::Contains("c.yaml"));
}

TEST_CASE("a step survives its form on disk, and nothing else is taken for one") {
    RuleStep step = step_of("rule \"\xff\" added", true, changes_between(before, after));
    step.files[0].before->text = std::string("\0\xff\n", 3);
    const std::string bytes = encode_step(step);
    const auto read = decode_step(bytes);
    REQUIRE(read);
    CHECK(read->what == step.what);
    CHECK(read->taken_back);
    REQUIRE(read->files.size() == 3);
    CHECK(read->files[0].name == "a.yaml");
    CHECK(read->files[0].before->text == step.files[0].before->text);
    CHECK(read->files[0].before->mode == 0640);
    CHECK(read->files[0].before->owner == 7);
    CHECK(read->files[0].before->group == 8);
    CHECK(read->files[0].after == digest_of("new a"));
    CHECK_FALSE(read->files[1].after);
    CHECK_FALSE(read->files[2].before);
    CHECK(encode_step(*read) == bytes);
    for (std::size_t size = 0; size < bytes.size(); ++size)
        CHECK_FALSE(decode_step(std::string_view(bytes).substr(0, size)));
    for (std::size_t at = 0; at < bytes.size(); at += 7) {
        std::string other = bytes;
        other[at] = static_cast<char>(other[at] ^ 1);
        CHECK_FALSE(decode_step(other));
    }
    CHECK_FALSE(decode_step(bytes + "x"));
}

TEST_CASE("a name in a step is that of a rule file and no path") {
    for (const std::string name : {"../passwd.yaml", "/etc/x.yaml", ".hidden.yaml", "x.txt", ""}) {
        RuleStep step;
        step.files.push_back({name, file("x", "text"), {}});
        CHECK_FALSE(decode_step(encode_step(step)));
    }
}
