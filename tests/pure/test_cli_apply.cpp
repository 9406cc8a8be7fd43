// SPDX-License-Identifier: GPL-2.0-or-later
// `doorward apply`, and the session that it runs in.
#include <catch2/catch.hpp>

#include "cli/ssh_session.hpp"
#include "cli_fixture.hpp"

using namespace doorward;
using Catch::Contains;

namespace {

const std::string in_session = "SSH_CONNECTION='192.0.2.9 40000 192.0.2.1 22'";

std::string folder_of(const CliFixture& fixture) {
    return std::filesystem::canonical(fixture.folder.path());
}

}  // namespace

TEST_CASE("SSH_CONNECTION is four words, and nothing else") {
    const auto session = parse_ssh_connection("192.0.2.9 40000 192.0.2.1 22");
    REQUIRE(session);
    CHECK(session->remote == *Address::parse("192.0.2.9"));
    CHECK(session->remote_port == 40000);
    CHECK(session->local == *Address::parse("192.0.2.1"));
    CHECK(session->local_port == 22);
    const auto linked = parse_ssh_connection("fe80::1%eth0 40000 fe80::2%eth0 22");
    REQUIRE(linked);
    CHECK(linked->remote == *Address::parse("fe80::1"));
    for (const char* wrong :
         {"", "192.0.2.9", "192.0.2.9 40000 192.0.2.1", "192.0.2.9 40000 192.0.2.1 22 x",
          "host 40000 192.0.2.1 22", "192.0.2.9 0 192.0.2.1 22", "192.0.2.9 40000 192.0.2.1 65536",
          "192.0.2.9 40000 192.0.2.1 ssh", "192.0.2.9 -1 192.0.2.1 22", "%eth0 1 192.0.2.1 22"}) {
        INFO(wrong);
        CHECK_FALSE(parse_ssh_connection(wrong));
    }
}

TEST_CASE("a variable is found by its whole name") {
    using namespace std::string_view_literals;
    const auto variables = "XA=1\0A=\0AB=2\0A_=3\0B=x=y\0B=z"sv;
    CHECK(variable_in(variables, "AB") == "2");
    CHECK(variable_in(variables, "B") == "x=y");
    CHECK(variable_in(variables, "A") == "");
    CHECK(variable_in(variables, "C") == "");
    CHECK(variable_in("", "A") == "");
    CHECK(variable_in("\0\0A=1"sv, "A") == "1");
}

TEST_CASE("doorward apply: at once, on trial, confirmed, given up") {
    CliFixture fixture;
    const std::string folder = folder_of(fixture);
    // No terminal, so nobody is asked.
    const auto trial = fixture.run({"apply", folder, "--confirm", "1m"});
    CHECK(trial.status == 0);
    CHECK(fixture.daemon.asked.back() == "apply " + folder + " for 60");
    CHECK_THAT(trial.out, Contains("on trial until") && Contains("7 rules; 2 files would change"));
    CHECK_THAT(trial.out, Contains("doorward apply --confirmed"));
    const auto now = fixture.run({"apply", folder + "/./"});
    CHECK(now.out == "applied: 7 rules in force, 2 files changed\n");
    CHECK(fixture.daemon.asked.back() == "apply " + folder);
    CHECK(fixture.run({"apply", "--confirmed"}).out ==
          "confirmed: 7 rules in force, 2 files changed\n");
    CHECK(fixture.run({"apply", "--revert"}).out == "the former rules are in force again: 2\n");
    CHECK_THAT(fixture.run({"apply", folder, "--json"}).out, Contains("\"cuts_session\": false"));
    using Kind = ControlFailure::Kind;
    for (const auto& [kind, status] : std::vector<std::pair<Kind, int>>{
             {Kind::trial_pending, 5}, {Kind::nothing_pending, 5}, {Kind::candidate_refused, 1}}) {
        fixture.daemon.failure = {kind, {"it is so", {}, {}}};
        for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
                 {"apply", folder}, {"apply", "--confirmed"}, {"apply", "--revert"}}) {
            const auto refused = fixture.run(words);
            CHECK(refused.status == status);
            is_one_line(refused.err);
        }
    }
}

TEST_CASE("doorward apply names the session, and warns where it would be cut") {
    CliFixture fixture;
    const std::string folder = folder_of(fixture);
    CHECK(fixture.run({"apply", folder}, in_session).err == "");
    REQUIRE(fixture.daemon.asked_for.session);
    CHECK(fixture.daemon.asked_for.session->remote_port == 40000);
    // sudo takes the variable away; that of an ancestor says it.
    fixture.run({"apply", folder}, in_session + " sh -c '\"$@\"; exit $?' - env -u SSH_CONNECTION");
    REQUIRE(fixture.daemon.asked_for.session);
    CHECK(fixture.daemon.asked_for.session->local_port == 22);
    fixture.daemon.applied.cuts_session = true;
    fixture.daemon.applied.kept = "keep-session";
    for (const auto& words : std::vector<std::vector<std::string>>{
             {"apply", folder}, {"apply", folder, "--json"}, {"apply", "--confirmed"}})
        CHECK_THAT(fixture.run(words, in_session).err,
                   Contains("do not let your ssh session pass; the temporary rule keep-session does"));
}

TEST_CASE("doorward apply says one thing at a time") {
    CliFixture fixture;
    const std::string folder = folder_of(fixture);
    fixture.daemon.asked.clear();
    for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
             {"apply"},
             {"apply", "--confirm", "1m"},
             {"apply", folder, "--confirmed"},
             {"apply", folder, "--revert"},
             {"apply", "--confirmed", "--revert"},
             {"apply", "--confirmed", "--confirm", "1m"},
             {"apply", folder, "--confirm", "0s"},
             {"apply", folder, "--confirm", "soon"},
             {"apply", folder, "--confirm", "25h"}}) {
        const auto refused = fixture.run(words);
        CHECK(refused.status == 2);
        is_one_line(refused.err);
    }
    CHECK(fixture.run({"apply", folder + "/nowhere"}).status == 1);
    CHECK(fixture.daemon.asked.empty());
}
