// SPDX-License-Identifier: GPL-2.0-or-later
#include <catch2/catch.hpp>

#include <random>

#include <nlohmann/json.hpp>

#include "opensnitch_model.hpp"
#include "rule_trial.hpp"
#include "rules/import_opensnitch.hpp"
#include "rules/opensnitch_rule.hpp"
#include "rules/time_text.hpp"
#include "rules/yaml_rules.hpp"

using namespace doorward;
using nlohmann::json;

namespace {

const std::map<std::string, std::uint32_t> users{{"alice", 1000}, {"bob", 1001}};

ImportEnvironment environment_of(std::vector<ImportFile> lists = {}) {
    ImportEnvironment out;
    out.user_id = small_environment().user_id;
    out.resolve_path = [](const std::string& path) { return path == "/usr/bin/python3" ? "/usr/bin/python3.11" : path; };
    out.read_lists = [lists](const std::string& folder) -> Result<std::vector<ImportFile>> {
        if (folder != "/lists") return fail("there is no such folder");
        return lists;
    };
    return out;
}

json rule_json(const std::string& name, const std::string& action, const json& what) {
    return {{"created", "2023-10-03T18:06:52+01:00"}, {"updated", "2023-10-03T18:06:52+01:00"}, {"name", name},
            {"description", ""}, {"enabled", true}, {"precedence", false}, {"nolog", false}, {"action", action},
            {"duration", "always"}, {"operator", what}};
}

json op(const std::string& type, const std::string& operand, const std::string& data, bool sensitive = false) {
    return {{"type", type}, {"operand", operand}, {"sensitive", sensitive}, {"data", data}, {"list", nullptr}};
}

json all_of(const json& list) {
    return {{"type", "list"}, {"operand", "list"}, {"sensitive", false}, {"data", ""}, {"list", list}};
}

Imported imported(const std::vector<json>& rules, const OpenSnitchOptions& options = {},
                  const std::vector<ImportFile>& lists = {}) {
    std::vector<ImportFile> files;
    for (const json& rule : rules) files.push_back({std::to_string(files.size()) + ".json", rule.dump()});
    return import_opensnitch(files, environment_of(lists), options);
}

std::string written(const Imported& from) {
    const auto text = write_imported(from, "out.yaml");
    INFO((text ? std::string() : text.error().text()));
    REQUIRE(text);
    return *text;
}

// The one rule that comes of it, without its name and the head of the file; or why none does.
std::string carried(const json& what, const std::string& action = "deny", const OpenSnitchOptions& options = {}) {
    const auto from = imported({rule_json("r", action, what)}, options);
    for (const Finding& finding : from.findings)
        if (finding.kind == Finding::Kind::left_out) return "left out: " + finding.key + ": " + finding.reason;
    std::string out;
    for (const Rule& rule : from.rules) {
        const std::string text = format_rule(rule);
        for (std::size_t start = text.find('\n') + 3; start < text.size();) {
            const auto end = text.find('\n', start);
            out += (out.empty() ? "" : "; ") + text.substr(start, end - start);
            start = end + 3;
        }
    }
    (void)written(from);
    return out;
}

bool starts(const std::string& text, const std::string& start) { return text.starts_with(start); }

}  // namespace

TEST_CASE("each operator of OpenSnitch is carried as what it matches") {
    struct Case {
        const char *type, *operand, *data, *out;
    };
    // Of a rule that denies: it ignores the case of letters, as there.
    constexpr Case cases[] = {
        {"simple", "true", "", "action: drop"},
        {"simple", "process.path", "/a/b", "app: \"/[aA]/[bB]\"; action: drop"},
        {"simple", "process.path", "/1", "app: /1; action: drop"},
        {"simple", "process.path", "/1[2]", "app: \"/1\\\\[2]\"; action: drop"},
        {"regexp", "process.path", "^/a/.*", "app: \"/[Aa]/**\"; action: drop"},
        {"simple", "process.parent.path", "/1/2", "parent: /1/2; action: drop"},
        {"simple", "user.id", "1000", "user: 1000; action: drop"},
        {"regexp", "user.id", "^(0|1000)$", "user: [0, 1000]; action: drop"},
        {"range", "user.id", "1000 - 1002", "user: [1000, 1001, 1002]; action: drop"},
        {"simple", "user.name", "alice", "user: alice; action: drop"},
        {"simple", "dest.ip", "203.0.113.7", "to: 203.0.113.7; action: drop"},
        {"simple", "dest.ip", "2001:DB8::7", "to: \"2001:db8::7\"; action: drop"},
        {"regexp", "dest.ip", "^10\\..*", "to: 10.0.0.0/8; action: drop"},
        {"network", "dest.network", "203.0.113.7/24", "to: 203.0.113.0/24; action: drop"},
        {"network", "dest.network", "2001:db8::1/32", "to: \"2001:db8::/32\"; action: drop"},
        {"simple", "source.ip", "192.0.2.1", "from: 192.0.2.1; action: drop"},
        {"network", "source.network", "192.0.2.0/24", "from: 192.0.2.0/24; action: drop"},
        {"simple", "dest.port", "443", "port: 443; action: drop"},
        {"regexp", "dest.port", "^(80|81|443)$", "port: [80-81, 443]; action: drop"},
        {"range", "dest.port", "8000-70000", "port: 8000-65535; action: drop"},
        {"range", "dest.port", "0-65535", "action: drop"},
        {"simple", "dest.port", "0", "port: 0; action: drop; protocol: [icmp, icmpv6]; action: drop"},
        {"simple", "protocol", "TCP", "protocol: tcp; to: 0.0.0.0/0; action: drop"},
        {"simple", "protocol", "udp6", "protocol: udp; to: \"::/0\"; action: drop"},
        {"regexp", "protocol", "^udp6?$", "protocol: udp; action: drop"},
        {"regexp", "protocol", "^(tcp|icmp)", "protocol: [tcp, icmp, icmpv6]; action: drop"},
        {"simple", "protocol", "icmp6", "protocol: icmpv6; action: drop"},
        {"simple", "dest.host", "Example.org", "domain: example.org; action: drop"},
        {"regexp", "dest.host", "^(|.*\\.)example\\.org$", "domain: [example.org, \"*.example.org\"]; action: drop"},
        {"simple", "iface.out", "1-2", "interface: 1-2; action: drop"},
        {"simple", "iface.out", "wg0", "interface: \"[wW][gG]0\"; action: drop"},
        {"regexp", "iface.out", "^1.*$", "interface: \"1*\"; action: drop"}};
    for (const auto& [type, operand, data, out] : cases) {
        INFO(type << ' ' << operand << ' ' << data);
        CHECK(carried(op(type, operand, data)) == out);
    }
}

TEST_CASE("what OpenSnitch can say and we can't is left out whole, with the reason") {
    struct Case {
        const char *type, *operand, *data;
    };
    constexpr Case cases[] = {
        {"simple", "process.command", "curl x"}, {"regexp", "process.command", "curl.*"},
        {"simple", "process.id", "1"}, {"simple", "process.env.HOME", "/root"},
        {"simple", "process.hash.md5", "d41d8cd98f00b204e9800998ecf8427e"}, {"simple", "process.hash.sha1", "da39"},
        {"lists", "lists.domains_regexp", "/lists"}, {"lists", "lists.hash.md5", "/lists"},
        {"lists", "lists.domains", "/elsewhere"}, {"lists", "lists.domains", "lists"},
        {"simple", "source.port", "1"}, {"simple", "iface.in", "eth0"}, {"simple", "user.name", "carol"},
        {"simple", "user.name", "1000"}, {"regexp", "user.name", "alice"}, {"simple", "user.id", "01"},
        {"simple", "user.id", "root"}, {"range", "user.id", "0-10"}, {"range", "user.id", "1-1000"},
        {"range", "source.port", "1-2"}, {"range", "dest.port", "5-2"}, {"range", "dest.port", "a-b"},
        {"simple", "dest.ip", "010.0.0.1"}, {"simple", "dest.ip", "2001:db8:0::7"}, {"simple", "dest.ip", "::1.2.3.4"},
        {"simple", "dest.ip", "::ffff:10.0.0.1"}, {"simple", "dest.ip", "lan"}, {"simple", "dest.ip", "set:x"},
        {"network", "dest.network", "LAN"}, {"network", "dest.network", "10.0.0.0"}, {"network", "dest.network", "10.0.0.0/33"},
        {"simple", "dest.network", "10.0.0.0/8"}, {"network", "dest.ip", "10.0.0.0/8"},
        {"simple", "dest.port", "0443"}, {"simple", "dest.port", "80-90"}, {"simple", "dest.port", "set:x"},
        {"simple", "protocol", "gre"}, {"simple", "dest.host", ""}, {"simple", "dest.host", "*.example.org"},
        {"simple", "dest.host", "set:x"}, {"simple", "dest.host", "203.0.113.7"}, {"simple", "dest.host", "example.org."},
        {"regexp", "dest.host", "^(|.*\\.)example\\.org"}, {"regexp", "dest.host", ".*\\.example.org$"},
        {"simple", "process.path", "curl"}, {"simple", "process.path", "unknown"}, {"simple", "process.path", "/a/../b"},
        {"simple", "dest.host", "Ex\xc3\xa4mple.org"}, {"regexp", "process.path", "^/x/[0-9]+$"}, {"regexp", "process.path", "("},
        {"simple", "", "x"}, {"complex", "process.path", "/x"}, {"network", "true", ""}, {"simple", "quota", "1"}};
    for (const auto& [type, operand, data] : cases) {
        INFO(type << ' ' << operand << ' ' << data);
        const auto from = imported({rule_json("r", "deny", op(type, operand, data))});
        CHECK(from.rules.empty());
        REQUIRE(from.findings.size() == 1);
        CHECK(from.findings[0].kind == Finding::Kind::left_out);
        CHECK(from.findings[0].denies);
        CHECK(from.findings[0].place.file == "0.json");
        CHECK_FALSE(from.findings[0].reason.empty());
        CHECK(starts(written(from), "# Rules of OpenSnitch"));
        // With one condition that can't be said, nothing of the others is carried.
        const auto more = imported({rule_json("r", "allow", all_of({op("simple", "dest.port", "443"), op(type, operand, data)}))});
        CHECK(more.rules.empty());
        CHECK(more.left_out() == 1);
        CHECK_FALSE(more.findings[0].denies);
    }
}

TEST_CASE("lists of operators are one rule, or none") {
    CHECK(carried(all_of({op("simple", "process.path", "/1"), op("simple", "dest.port", "53"), op("simple", "user.id", "0")})) ==
          "app: /1; user: 0; port: 53; action: drop");
    CHECK(carried(all_of({op("range", "dest.port", "1-100"), op("regexp", "dest.port", "^(80|443)$")})) == "port: 80; action: drop");
    CHECK(carried(all_of({op("network", "dest.network", "10.0.0.0/8"), op("simple", "dest.ip", "10.1.1.1")})) ==
          "to: 10.1.1.1; action: drop");
    CHECK(carried(all_of({op("simple", "protocol", "tcp"), op("simple", "dest.ip", "10.1.1.1")})) ==
          "protocol: tcp; to: 10.1.1.1; action: drop");
    CHECK(carried(all_of({op("regexp", "protocol", "^(tcp6?|udp)$"), op("simple", "dest.port", "53")})) ==
          "protocol: tcp; port: 53; action: drop; protocol: udp; to: 0.0.0.0/0; port: 53; action: drop");
    CHECK(starts(carried(all_of({op("simple", "process.path", "/1"), op("simple", "process.path", "/2")})), "left out: process.path"));
    CHECK(starts(carried(all_of({op("simple", "protocol", "tcp6"), op("simple", "dest.ip", "10.1.1.1")})), "left out: : nothing ever"));
    CHECK(starts(carried(all_of({op("simple", "protocol", "icmp"), op("simple", "dest.port", "443")})), "left out: : nothing ever"));
    CHECK(starts(carried(all_of({op("simple", "dest.ip", "10.1.1.1"), op("simple", "dest.ip", "10.1.1.2")})), "left out: : nothing ever"));
    CHECK(starts(carried(all_of(json::array())), "left out: operator.list"));
    CHECK(starts(carried(all_of(json::array({all_of(json::array({op("simple", "true", "")}))}))), "left out: : a list in a list"));
}

TEST_CASE("what allows is never wider, and says where it is narrower") {
    const json path = op("simple", "process.path", "/usr/bin/curl");
    CHECK(carried(path, "allow") == "app: /usr/bin/curl; action: accept");
    const auto from = imported({rule_json("r", "allow", path)});
    REQUIRE(from.findings.size() == 1);
    CHECK(from.findings[0].kind == Finding::Kind::note);
    CHECK(from.left_out() == 0);
    CHECK(starts(carried(path, "allow", {.any_case = true}), "app: \"/[uU][sS][rR]/"));
    CHECK(carried(op("simple", "process.path", "/usr/bin/curl", true), "reject") == "app: /usr/bin/curl; action: reject");
    // OpenSnitch does not resolve links, and patterns are not resolved here.
    CHECK(carried(op("simple", "process.path", "/usr/bin/python3", true), "allow") ==
          "app: \"/usr/bin/python[3]\"; action: accept");
    // The other case of letters outside of ASCII is not known: what denies would let it pass.
    CHECK(carried(op("simple", "process.path", "/caf\xc3\xa9"), "allow") == "app: \"/caf\xc3\xa9\"; action: accept");
    CHECK(starts(carried(op("simple", "process.path", "/caf\xc3\xa9"), "deny"), "left out: process.path"));
    CHECK(starts(carried(op("simple", "dest.host", "Example.org", true), "allow"), "left out: dest.host"));
    CHECK(carried(op("regexp", "process.path", "^/Opt/.*$"), "allow") == "app: \"/Opt/**\"; action: accept");
    const json host = op("regexp", "dest.host", "^(|.*\\.)example\\.org");
    CHECK(carried(host, "allow", {.as_meant = true}) == "domain: [example.org, \"*.example.org\"]; action: accept");
}

TEST_CASE("rules are put in the order in which their decisions count") {
    std::vector<json> rules{rule_json("a", "allow", op("simple", "dest.port", "1")), rule_json("d", "deny", op("simple", "dest.port", "2")),
                            rule_json("c", "reject", op("simple", "dest.port", "3")), rule_json("b", "allow", op("simple", "dest.port", "4")),
                            rule_json("p", "allow", op("simple", "dest.port", "5")), rule_json("B", "deny", op("simple", "dest.port", "6"))};
    rules[4]["precedence"] = true;
    std::string order;
    for (const Rule& rule : imported(rules).rules) order += rule.name;
    CHECK(order == "Bcdpba");
}

TEST_CASE("names, comments, and rules that are switched off") {
    auto rule = rule_json("000-allow curl to all", "allow", op("simple", "true", ""));
    rule["description"] = "first\nsecond\t\"line\"";
    rule["enabled"] = false;
    rule["nolog"] = true;
    const auto from = imported({rule, rule_json("000-allow-curl-to-all", "allow", op("simple", "true", ""))});
    REQUIRE(from.rules.size() == 2);
    CHECK(from.rules[0].name == "000-allow-curl-to-all");
    CHECK(from.rules[1].name == "000-allow-curl-to-all-2");
    CHECK(from.rules[1].comment == "\"000-allow curl to all\": first second \"line\"");
    CHECK_FALSE(from.rules[1].enabled);
    CHECK(from.findings.size() == 2);
    const auto again = parse_rules(written(from), "out.yaml");
    REQUIRE(again);
    CHECK((*again)[1].comment == from.rules[1].comment);
}

TEST_CASE("of two rules with one name the one that is read last counts") {
    const auto from = imported({rule_json("r", "allow", op("simple", "dest.port", "1")), rule_json("r", "deny", op("simple", "dest.port", "2"))});
    REQUIRE(from.rules.size() == 1);
    CHECK(from.rules[0].action == Action::drop);
    REQUIRE(from.findings.size() == 1);
    CHECK(from.findings[0].kind == Finding::Kind::note);
    CHECK(from.findings[0].place.file == "0.json");
}

TEST_CASE("rules for a time, and without a known action, are left out") {
    for (const char* duration : {"once", "until restart", "5m", "", "Always"}) {
        auto rule = rule_json("r", "deny", op("simple", "true", ""));
        rule["duration"] = duration;
        const auto from = imported({rule});
        CHECK(from.rules.empty());
        REQUIRE(from.findings.size() == 1);
        CHECK(from.findings[0].key == "duration");
        CHECK(from.findings[0].denies);
    }
    CHECK(imported({rule_json("r", "Allow", op("simple", "true", ""))}).findings.at(0).key == "action");
}

TEST_CASE("lists are carried where both programs read them alike") {
    const auto with = [](const std::string& operand, const std::string& text) {
        const auto from = imported({rule_json("r", "deny", op("lists", operand, "/lists"))}, {}, {{"/lists/a.txt", text}});
        if (from.rules.empty()) return "left out: " + from.findings.at(0).reason;
        REQUIRE(from.sets.size() == 1);
        CHECK(from.sets[0].values.at(0).text == "file:/lists/a.txt");
        (void)written(from);
        return format_rule(from.rules[0]);
    };
    const std::string names = "- name: r\n  domain: set:opensnitch-lists\n  action: drop\n";
    const std::string to = "- name: r\n  to: set:opensnitch-lists\n  action: drop\n";
    CHECK(with("lists.domains", "# c\n127.0.0.1 localhost\n0.0.0.0 ads.example\n127.0.0.1 b.example\n::1 ip6-localhost\n") == names);
    CHECK(with("lists.domains", "0.0.0.0 a.example\n10.0.0.1 x.example\nb.example\n") == names);
    CHECK(with("lists.ips", "# c\n203.0.113.7\n2001:db8::7\n") == to);
    CHECK(with("lists.nets", "203.0.113.0/24\n\n2001:db8::/32\n") == to);
    for (const char* text : {"ads.example\n", "0.0.0.0 a.example b.example\n", "0.0.0.0 ADS.example\n", "0.0.0.0 a.example # no\n",
                             "||a.example^\n", "", "# nothing\n"})
        CHECK(starts(with("lists.domains", text), "left out: "));
    for (const char* text : {"203.0.113.0/24\n", "203.0.113.7 # x\n", "010.0.0.1\n", "10.0.0.1-10.0.0.9\n", "a.example\n"})
        CHECK(starts(with("lists.ips", text), "left out: "));
    for (const char* text : {"203.0.113.7/24\n", "203.0.113.7\n", "x\n"}) CHECK(starts(with("lists.nets", text), "left out: "));
    // One set for all rules that name the folder.
    const auto two = imported({rule_json("a", "deny", op("lists", "lists.ips", "/lists")), rule_json("b", "deny", op("lists", "lists.ips", "/lists"))},
                              {}, {{"/lists/a.txt", "203.0.113.7\n"}});
    CHECK(two.sets.size() == 1);
    CHECK(two.rules.size() == 2);
}

TEST_CASE("a file that is no rule is told with its place") {
    struct Case {
        std::string text, error;
    };
    const std::string deep(2000, '[');
    const Case cases[] = {
        {"", "f:1:1: this is not JSON"}, {"{\n  \"name\": }", "f:2:11: this is not JSON"}, {"[]", "f: this is no rule"},
        {deep, "f:1:2000: this is not JSON"}, {deep + std::string(2000, ']'), "f: this is nested too deeply"},
        {std::string("{\"name\": \"a") + '\0' + "\"}", "f:1:12: a NUL character"}, {"{\"name\": \"\xff\"}", "f:1:11: a byte that is not UTF-8"},
        {"{\"name\": 5, \"operator\": {}}", "f: \"name\" is no string"}, {"{\"name\": \"a\\u0000b\", \"operator\": {}}", "f: \"name\" has a control"},
        {"{\"enabled\": \"yes\", \"operator\": {}}", "f: \"enabled\" is neither"}, {"{}", "f: the rule has no operator"},
        {"{\"operator\": []}", "f: the operator is no object"}, {"{\"name\": \"a\", \"name\": \"b\", \"operator\": {}}", "f: the key \"name\" is there twice"},
        {"{\"Name\": \"a\", \"operator\": {}}", "f: \"Name\" is not known"}, {"{\"operator\": {\"list\": {}}}", "f: the \"list\""},
        {"{\"operator\": {\"x\": 1}}", "f: operator: \"x\" is not known"}, {"{\"created\": 1e999}", "f: a number that is too large"},
        {std::string((1 << 20) + 1, ' '), "f: a rule of more than 1048576 bytes"}};
    for (const auto& [text, error] : cases) {
        const auto rule = parse_opensnitch_rule(text, "f");
        INFO(error);
        REQUIRE_FALSE(rule);
        CHECK_THAT(rule.error().text(), Catch::StartsWith(error));
    }
}

namespace {

// Random rules over so few values that they overlap, and connections that often meet them.
class Generator {
public:
    explicit Generator(unsigned seed) : random_(seed) {}

    opensnitch::Rule rule(std::size_t number) {
        opensnitch::Rule out;
        out.name = std::string(1, static_cast<char>('a' + below(26))) + std::to_string(number);
        constexpr const char* actions[] = {"allow", "allow", "deny", "reject"};
        out.action = actions[below(4)];
        out.enabled = below(10) != 0;
        out.precedence = below(4) == 0;
        if (below(2)) {
            out.what = one();
        } else {
            out.what = {"list", "list", "", false, {}};
            for (auto count = 1 + below(3); count > 0; --count) out.what.list.push_back(one());
        }
        return out;
    }

    opensnitch::Connection connection() {
        constexpr const char* paths[] = {"/usr/bin/curl", "/usr/bin/CURL", "/opt/a/tool", "/opt/tool", "/OPT/x", "/usr/bin/python3.11", "/tool"};
        constexpr const char* v4[] = {"203.0.113.7", "203.0.113.200", "10.1.2.3", "192.168.1.1", "127.0.0.1"};
        constexpr const char* v6[] = {"2001:db8::7", "2001:db8:1::1", "::1"};
        constexpr const char* hosts[] = {"", "example.org", "www.example.org", "a.www.example.org", "badexample.org"};
        constexpr const char* protocols[] = {"tcp", "udp", "udplite", "sctp", "icmp"};
        constexpr unsigned ports[] = {53, 80, 443, 8000, 8080, 65535};
        const bool four = below(3) != 0;
        opensnitch::Connection con;
        con.path = paths[below(std::size(paths))];
        for (auto count = below(3); count > 0; --count) con.parents.push_back(paths[below(std::size(paths))]);
        con.destination = four ? v4[below(5)] : v6[below(3)];
        con.source = four ? v4[below(5)] : v6[below(3)];
        con.host = hosts[below(5)];
        con.protocol = protocols[below(5)];
        con.port = con.protocol == "icmp" ? 0 : ports[below(6)];
        if (!four) con.protocol += "6";
        con.uid = static_cast<std::uint32_t>(below(2) ? 1000 + below(3) : 0);
        con.interface = below(2) ? "eth0" : "wlan0";
        return con;
    }

    std::size_t below(std::size_t end) { return random_() % end; }

private:
    opensnitch::Operator one() {
        struct Choice {
            const char *type, *operand, *data;
        };
        constexpr Choice choices[] = {
            {"simple", "true", ""}, {"simple", "process.path", "/usr/bin/curl"}, {"simple", "process.path", "/opt/a/tool"},
            {"simple", "process.path", "/usr/bin/python3"},
            {"regexp", "process.path", "^/opt/.*"}, {"regexp", "process.path", "tool$"}, {"regexp", "process.path", "^(/usr/bin/curl|/tool)$"},
            {"regexp", "process.path", "^/opt/.*/tool$"}, {"regexp", "process.path", "^/Usr/"}, {"simple", "process.parent.path", "/opt/tool"},
            {"regexp", "process.parent.path", "^/opt/"}, {"simple", "user.id", "1000"}, {"regexp", "user.id", "^(0|1001)$"},
            {"range", "user.id", "1000-1001"}, {"simple", "user.name", "bob"}, {"simple", "dest.ip", "203.0.113.7"},
            {"simple", "dest.ip", "2001:DB8::7"}, {"regexp", "dest.ip", "^(10|192)\\..*"}, {"regexp", "dest.ip", "^203\\.0\\.113\\.[0-9]$"},
            {"network", "dest.network", "203.0.113.99/24"}, {"network", "dest.network", "2001:db8::/32"}, {"network", "dest.network", "10.0.0.0/8"},
            {"simple", "source.ip", "10.1.2.3"}, {"network", "source.network", "203.0.113.128/25"}, {"simple", "dest.port", "443"},
            {"regexp", "dest.port", "^(53|80)"}, {"regexp", "dest.port", "^[0-9]{2}$"}, {"range", "dest.port", "80-8000"}, {"range", "dest.port", "0-100"},
            {"simple", "protocol", "tcp"}, {"simple", "protocol", "udp6"}, {"regexp", "protocol", "^udp"}, {"regexp", "protocol", "6$"},
            {"simple", "protocol", "ICMP"}, {"simple", "dest.host", "example.org"}, {"simple", "dest.host", "WWW.example.org"},
            {"regexp", "dest.host", "^(|.*\\.)example\\.org$"}, {"regexp", "dest.host", "\\.example\\.org$"}, {"simple", "iface.out", "eth0"},
            {"regexp", "iface.out", "^wl.*"}};
        const Choice& choice = choices[below(std::size(choices))];
        return {choice.type, choice.operand, choice.data, below(4) == 0, {}};
    }

    std::mt19937 random_;
};

json to_json(const opensnitch::Operator& from) {
    json out = op(from.type, from.operand, from.data, from.sensitive);
    if (from.type != "list") return out;
    out["list"] = json::array();
    for (const auto& each : from.list) out["list"].push_back(to_json(each));
    return out;
}

json to_json(const opensnitch::Rule& from) {
    json out = rule_json(from.name, from.action, to_json(from.what));
    out["enabled"] = from.enabled;
    out["precedence"] = from.precedence;
    return out;
}

// The same connection as a flow of ours.
Situation situation_of(const opensnitch::Connection& con) {
    Situation out;
    out.process->exe = con.path;
    out.process->uid = con.uid;
    out.process->ancestors = con.parents;
    const bool six = con.protocol.ends_with('6');
    const std::string name = six ? con.protocol.substr(0, con.protocol.size() - 1) : con.protocol;
    out.protocol = parse_protocol(name == "icmp" && six ? "icmpv6" : name).value();
    out.local = con.source;
    out.remote = con.destination;
    out.remote_port = static_cast<std::uint16_t>(con.port);
    out.interface = con.interface;
    out.names.clear();
    if (!con.host.empty()) out.names.push_back(con.host);
    return out;
}

std::string answer(const Ruleset& rules, const Situation& situation) {
    const auto decision = rules.decide(situation.flow(), situation.around());
    if (decision.rule == Decision::no_rule) return "default";
    return decision.action == Action::accept ? "allow" : decision.action == Action::drop ? "deny" : "reject";
}

}  // namespace

namespace {

// What is left out is left out of the model too: that it is left out whole is tested above.
std::vector<opensnitch::Rule> kept_of(const std::vector<opensnitch::Rule>& rules, const Imported& from) {
    std::vector<opensnitch::Rule> out;
    for (std::size_t at = 0; at < rules.size(); ++at)
        if (std::ranges::none_of(from.findings, [&](const Finding& finding) {
                return finding.kind == Finding::Kind::left_out && finding.place.file == std::to_string(at) + ".json";
            }))
            out.push_back(rules[at]);
    return out;
}

}  // namespace

TEST_CASE("imported rules decide as OpenSnitch does, over random rules and connections") {
    Generator generator(4870);
    int carried = 0, denied = 0, allowed = 0, narrower = 0;
    for (int i = 0; i < 800; ++i) {
        std::vector<opensnitch::Rule> rules;
        for (auto count = 1 + generator.below(6); count > 0; --count) rules.push_back(generator.rule(count));
        std::vector<json> texts;
        for (const auto& rule : rules) texts.push_back(to_json(rule));
        const auto exact = imported(texts, {.any_case = true});
        const auto plain = imported(texts);
        const auto kept = kept_of(rules, exact), kept_plain = kept_of(rules, plain);
        carried += static_cast<int>(kept.size());
        const std::string text = written(exact);
        const auto compiled_exact = compiled({text}), compiled_plain = compiled({written(plain)});
        for (int j = 0; j < 40; ++j) {
            const auto con = generator.connection();
            const auto situation = situation_of(con);
            const std::string theirs = opensnitch::decide(kept, con, users).value_or("default");
            const std::string ours = answer(*compiled_exact, situation);
            allowed += ours == "allow" ? 1 : 0;
            denied += ours == "deny" || ours == "reject" ? 1 : 0;
            INFO(text << con.path << ' ' << con.protocol << ' ' << con.destination << ' ' << con.port << ' ' << con.host);
            if (ours != theirs) REQUIRE(ours == theirs);
            // With the case that is written, what is allowed is the same or less, and no denial is lost.
            const std::string written_case = answer(*compiled_plain, situation);
            const std::string any_case = opensnitch::decide(kept_plain, con, users).value_or("default");
            if (written_case != any_case) {
                ++narrower;
                if (any_case != "allow") REQUIRE(written_case == any_case);
            }
        }
    }
    CHECK(carried > 1500);
    CHECK(allowed > 3000);
    CHECK(denied > 3000);
    CHECK(narrower > 50);
}

TEST_CASE("imported rules hold for outbound flows of the protocols that OpenSnitch knows only") {
    const auto rules = compiled({written(imported({rule_json("r", "allow", op("simple", "true", ""))}))});
    Situation situation;
    CHECK(winner(*rules, situation) == "r");
    situation.protocol = Protocol{47};
    CHECK(winner(*rules, situation) == "-");
    situation = {};
    situation.direction = Direction::in;
    CHECK(winner(*rules, situation) == "-");
    situation.direction = Direction::forward;
    CHECK(winner(*rules, situation) == "-");
}
