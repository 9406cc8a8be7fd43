// SPDX-License-Identifier: GPL-2.0-or-later
#include <catch2/catch.hpp>

#include "cli/log_row.hpp"
#include "cli/table.hpp"
#include "tests/pure/audit_fixture.hpp"

using namespace doorward;

namespace {

const TableStyle plain{.width = 0, .colour = false, .header = true};

}  // namespace

TEST_CASE("columns are aligned and lines end where their text ends") {
    Table table({{.title = "NAME"}, {.title = "N", .right = true}, {.title = "REST"}}, plain);
    table.add({{"a"}, {"1"}, {"x"}});
    table.add({{"longer"}, {"1000"}, {""}});
    table.add({{"b"}});
    table.add({{"é漢"}, {"22"}, {"y"}, {"surplus"}});
    CHECK(table.take() == "NAME       N  REST\n"
                          "a          1  x\n"
                          "longer  1000\n"
                          "b\n"
                          "é漢       22  y\n");
}

TEST_CASE("rows added later keep the columns, and the header comes once") {
    Table table({{.title = "A"}, {.title = "B"}}, plain);
    table.add({{"long one"}, {"1"}});
    CHECK(table.take() == "A         B\nlong one  1\n");
    table.add({{"x"}, {"2"}});
    CHECK(table.take() == "x         2\n");
    CHECK(table.take().empty());
    Table bare({{.title = "WIDE TITLE"}, {.title = "B"}},
               {.width = 0, .colour = false, .header = false});
    bare.add({{"x"}, {"2"}});
    CHECK(bare.take() == "x  2\n");
}

TEST_CASE("a table fits the terminal: what may shrink is cut with an ellipsis") {
    Table table({{.title = "ID"},
                 {.title = "PATH", .shrinks = true, .keeps_end = true},
                 {.title = "TEXT", .shrinks = true, .minimum = 10}},
                {.width = 30, .colour = false, .header = true});
    table.add({{"1"}, {"/usr/lib/some/where/program"}, {"the quick brown fox"}});
    const std::string text = table.take();
    CHECK(text == "ID  PATH          TEXT\n"
                  "1   …ere/program  the quick b…\n");
    for (std::size_t start = 0; start < text.size();) {
        const std::size_t end = text.find('\n', start);
        CHECK(display_width(text.substr(start, end - start)) <= 30);
        start = end + 1;
    }
}

TEST_CASE("what can't shrink is never cut, however narrow the terminal") {
    Table table({{.title = "A"}, {.title = "B", .shrinks = true, .minimum = 9}},
                {.width = 5, .colour = false, .header = false});
    table.add({{"0123456789"}, {"0123456789"}});
    CHECK(table.take() == "0123456789  01234567…\n");
}

TEST_CASE("colour is put around the text, not around the padding") {
    Table table({{.title = "A"}, {.title = "B"}}, {.width = 0, .colour = true, .header = false});
    table.add({{"x", Colour::red}, {"y"}});
    table.add({{"", Colour::red}, {"y"}});
    table.add({{"long"}, {"y"}});
    CHECK(table.take() == "\x1b[31mx\x1b[0m     y\n      y\nlong  y\n");
}

TEST_CASE("a cell can't reach the terminal") {
    const std::pair<std::string, std::string> cases[] = {
        {"\x1b[2J\x1b]0;title\x07", "\\x1b[2J\\x1b]0;title\\x07"},
        {"a\nb\r\tc", "a\\nb\\r\\tc"},
        {std::string("nul\0", 4), "nul\\x00"},
        {"caf\xe9 \xff", "caf\\xe9 \\xff"},
        {"\xc2\x9b" "31m", "\\u009b31m"},
        {"gnp\u202egnp.exe", "gnp\\u202egnp.exe"},  // reorders what follows
        {"zero\u200bwidth\u2028line", "zero\\u200bwidth\\u2028line"},
        {"\U000e0041", "\\U000e0041"},
        {"\x7f", "\\x7f"},
        {"naïve 漢字", "naïve 漢字"},
    };
    for (const auto& [bytes, text] : cases) {
        CHECK(printable(bytes) == text);
        Table table({{.title = ""}}, {.width = 0, .colour = false, .header = false});
        table.add({{bytes}});
        CHECK(table.take() == text + "\n");
    }
}

TEST_CASE("width counts cells, and cutting keeps to them") {
    CHECK(display_width("abc") == 3);
    CHECK(display_width("漢字") == 4);
    CHECK(display_width("e\u0301") == 1);
    CHECK(shortened("abcdef", 6) == "abcdef");
    CHECK(shortened("abcdef", 5) == "abcd…");
    CHECK(shortened("漢字漢字", 5) == "漢字…");
    CHECK(shortened("漢字漢字", 4) == "漢…");  // two cells do not fit into one
    CHECK(shortened("abc", 1) == "…");
    CHECK(shortened("abc", 0).empty());
    CHECK(shortened_front("abcdef", 6) == "abcdef");
    CHECK(shortened_front("abcdef", 5) == "…cdef");
    CHECK(shortened_front("漢字漢字", 4) == "…字");
    CHECK(shortened_front("xe\u0301yz", 3) == "…yz");
    CHECK(shortened_front("abc", 0).empty());
}

TEST_CASE("a decision as a line of a table") {
    const auto cells = [](const AuditRecord& record) {
        std::vector<std::string> texts;
        for (const Cell& cell : log_cells(record)) texts.push_back(cell.text);
        texts.erase(texts.begin());  // the time depends on the time zone
        return texts;
    };
    using Texts = std::vector<std::string>;
    AuditRecord record = full_record();
    record.count = 1;
    CHECK(cells(record) == Texts{"accept (reject)", "/usr/bin/curl of /srv/apps/Tool.AppImage [preload]", "4242",
                                 "alice", "tcp", "203.0.113.7:443 www.example.org", "no-curl"});
    record.appimage = "";
    record.evidence.injected = Injections{.found = 8, .unknown = 1};
    record.decision = Action::accept;
    record.remote = address("2001:db8::1");
    record.host = record.user = record.rule = "";
    record.reason = "default-out";
    CHECK(cells(record) == Texts{"accept", "/usr/bin/curl /opt/backup/run.py", "4242", "1000", "tcp",
                                 "[2001:db8::1]:443", "default-out"});
    AuditRecord inbound;
    inbound.direction = Direction::in;
    inbound.protocol = Protocol::icmp;
    inbound.local = address("10.0.0.1");
    inbound.remote = address("10.0.0.2");
    inbound.unknown = Unknown::no_listener;
    inbound.reason = "default-in";
    CHECK(cells(inbound) == Texts{"drop", "unknown:no-listener", "", "", "icmp",
                                  "10.0.0.1 from 10.0.0.2", "default-in"});
    AuditRecord loss;
    loss.reason = audit_loss;
    loss.count = 12;
    CHECK(cells(loss) == Texts{"drop", "", "", "", "", "", "audit-loss ×12"});
    CHECK(log_cells(loss).size() == log_columns().size());
}

TEST_CASE("a decision as JSON") {
    AuditRecord record = full_record();
    record.id = 5;
    CHECK(log_json(record).dump() ==
          R"({"id":5,"time":"2027-01-15T08:00:00.000123Z","time_us":1800000000000123,)"
          R"("verdict":"accept","decision":"reject","rule":"no-curl","reason":"rule",)"
          R"("direction":"out","protocol":"tcp","source":"10.1.0.1","source_port":40000,)"
          R"("destination":"203.0.113.7","destination_port":443,"host":"www.example.org",)"
          R"("names":["www.example.org","cdn.example.net"],"interface":"eth0",)"
          R"("unknown":null,"pid":4242,"start_ns":123456789012,"exec_id":3,"uid":1000,)"
          R"("user":"alice","exe":"/usr/bin/curl","appimage":"/srv/apps/Tool.AppImage","exe_device":266338305,)"
          R"("exe_inode":18446744073709551601,"command_line":"curl -s https://www.example.org/",)"
          R"("working_directory":"/home/alice","parent_pid":4000,"parent_exe":"/usr/bin/bash",)"
          R"("cgroup_id":77,"unit":"session-2.scope","gid":1001,"slice":"user-1000.slice",)"
          R"("units":["user@1000.service","session-2.scope"],"slices":["user.slice","user-1000.slice"],)"
          R"("container":"docker:0123","script":"/opt/backup/run.py","script_device":2049,"script_inode":4711,)"
          R"("injected":"preload,library-path?","ancestors":["/usr/bin/bash",null,"/usr/sbin/ssh\\x0ad"],"mount_namespace":4026531841,)"
          R"("sha256":")" + std::string(64, 'a') + R"(","package":"curl","verity":"sha256:ab","unread":"changed",)"
          R"("attribution":"kprobe","latency_ns":25000,)"
          R"("log":"journal","count":2})");
    AuditRecord hostile;
    hostile.pid = 1;
    hostile.command_line = "\xff\x1b[2J\n\xc2\x9b\"";
    hostile.latency_ns = -1;
    const auto json = log_json(hostile);
    CHECK(json["command_line"] == "\\xff\\x1b[2J\\x0a\\xc2\\x9b\"");
    CHECK(json["latency_ns"].is_null());
    CHECK(json["uid"] == 0);
    hostile.pid = 0;
    CHECK(log_json(hostile)["uid"].is_null());  // not known is not root
    CHECK(json.dump().find('\n') == std::string::npos);
}
