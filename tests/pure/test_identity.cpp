// SPDX-License-Identifier: GPL-2.0-or-later
// Rules about what a process is: group, unit, slice, container, ancestors, script, AppImage.
#include <catch2/catch.hpp>

#include "oracle.hpp"
#include "rules/appimage.hpp"
#include "rules/condition_text.hpp"
#include "rules/rule_text.hpp"
#include "rules/ruleset.hpp"
#include "rules/yaml_rules.hpp"

using namespace doorward;

namespace {

std::vector<Rule> one_rule(const std::string& keys) {
    auto rules = parse_rules("rules:\n  - {name: r, action: accept, " + keys + "}\n", "f");
    INFO(keys);
    if (!rules) FAIL(rules.error().text());
    return *rules;
}

std::string error_of(const std::string& keys) {
    const auto rules = parse_rules("rules:\n  - {name: r, action: accept, " + keys + "}\n", "f");
    INFO(keys);
    REQUIRE_FALSE(rules);
    REQUIRE_FALSE(rules.error().remedy.empty());
    return rules.error().what;
}

Process daemon_process() {
    Process process;
    process.exe = "/usr/sbin/sshd";
    process.gid = 100;
    process.control_group = {{"ssh.service"}, {"system.slice"}, "lxc:web"};
    return process;
}

bool accepts(const std::string& keys, const Process* process) {
    const auto rules = Ruleset::compile(one_rule(keys), {}, oracle::test_environment());
    REQUIRE(rules);
    Flow flow;
    flow.process = process;
    flow.unknown = process ? Unknown::none : Unknown::no_binding;
    return (*rules)->decide(flow, 0).action == Action::accept;
}

}  // namespace

TEST_CASE("rules about groups, units, slices and containers") {
    const Process process = daemon_process();
    for (const char* keys :
         {"group: users", "group: 100", "group: [wheel, users]", "unit: ssh.service",
          "unit: 's*.service'", "unit: '*'", "slice: system.slice", "slice: 'sys*'",
          "container: 'lxc:web'", "container: 'lxc:*'", "container: '*'",
          "unit: ssh.service, slice: system.slice, group: users, app: /usr/sbin/sshd"}) {
        INFO(keys);
        CHECK(accepts(keys, &process));
        CHECK_FALSE(accepts(keys, nullptr));
    }
}

TEST_CASE("what they must not match") {
    const Process process = daemon_process();
    for (const char* keys :
         {"group: wheel", "group: 10", "unit: sshd.service", "unit: 'ssh?.service'",
          "unit: 'user:*'", "unit: 'user:ssh.service'", "slice: user.slice", "slice: '*.service'",
          "container: 'lxc:we'", "container: 'docker:*'", "container: 'user:*'",
          "unit: ssh.service, group: wheel"}) {
        INFO(keys);
        CHECK_FALSE(accepts(keys, &process));
    }
    Process nowhere = process;
    nowhere.control_group = {};
    for (const char* keys : {"unit: '*'", "slice: '*'", "container: '*'", "unit: 'user:*'"}) {
        INFO(keys);
        CHECK_FALSE(accepts(keys, &nowhere));
    }
}

TEST_CASE("a user's own units and containers never pass for the system's") {
    Process process = daemon_process();
    process.control_group = parse_control_group(
        "/user.slice/user-1000.slice/user@1000.service/system.slice/ssh.service");
    CHECK(accepts("unit: 'user:ssh.service'", &process));
    CHECK(accepts("unit: 'user:*'", &process));
    CHECK(accepts("unit: user@1000.service", &process));
    CHECK(accepts("slice: user-1000.slice", &process));
    CHECK_FALSE(accepts("unit: ssh.service", &process));
    CHECK_FALSE(accepts("unit: '*ssh.service'", &process));
    CHECK_FALSE(accepts("unit: '[a-z]*:ssh.service'", &process));
    CHECK_FALSE(accepts("slice: system.slice", &process));
    process.control_group.container = "user:podman:0123";
    CHECK(accepts("container: 'user:podman:*'", &process));
    CHECK_FALSE(accepts("container: '*'", &process));
    CHECK_FALSE(accepts("container: '*:podman:*'", &process));
}

TEST_CASE("a program in mounts that users make never passes for the host's") {
    Process process = daemon_process();
    process.exe = "user:/opt/app/bin/tool";
    process.script = "user:/opt/run.py";
    process.ancestors = {"user:/usr/bin/make"};
    process.ancestors_whole = true;
    for (const char* keys : {"app: 'user:/opt/app/bin/tool'", "app: 'user:/opt/**'", "app: [/bin/x, 'user:/**']",
                             "app: 'user:/**', script: 'user:/opt/run.py'", "parent: 'user:/usr/bin/make'",
                             "app: 'user:/**', script: 'user:/opt/*.py'", "parent: 'user:/**'"}) {
        INFO(keys);
        CHECK(accepts(keys, &process));
    }
    for (const char* keys : {"app: /opt/app/bin/tool", "app: /opt/**", "app: /**", "app: '/**tool'",
                             "app: 'user:/**', script: /opt/run.py", "app: 'user:/**', script: '/**'",
                             "parent: /usr/bin/make", "parent: /**", "app: unknown"}) {
        INFO(keys);
        CHECK_FALSE(accepts(keys, &process));
    }
    process.exe = "/opt/app/bin/tool";
    CHECK(accepts("app: /opt/**", &process));
    CHECK_FALSE(accepts("app: 'user:/**'", &process));
}

TEST_CASE("rules about ancestors and scripts") {
    Process process = daemon_process();
    process.exe = "/usr/bin/python3.11";
    process.ancestors = {"/usr/bin/curl", "", "/opt/a/make"};
    process.script = "/opt/backup/run.py";
    const std::string app = "app: '/usr/bin/python3*', ";
    for (const char* keys : {"parent: /usr/bin/curl", "parent: /bin/curl", "parent: /opt/a/make",
                             "parent: '/opt/*/make'", "parent: [/nobody, '/**']"}) {
        INFO(keys);
        CHECK(accepts(keys, &process));
        CHECK_FALSE(accepts(keys, nullptr));
    }
    for (const char* keys : {"parent: /usr/bin/python3.11", "parent: '/opt/*'", "parent: /usr/bin"})
        CHECK_FALSE(accepts(keys, &process));
    for (const char* keys : {"script: /opt/backup/run.py", "script: '/opt/**'",
                             "script: ['module:x', '/opt/*/run.py']"}) {
        INFO(keys);
        CHECK(accepts(app + keys, &process));
        CHECK_FALSE(accepts(app + keys, nullptr));
        CHECK_FALSE(accepts("app: /usr/bin/bash, " + std::string(keys), &process));
    }
    for (const char* keys : {"script: /opt/backup/run.pyc", "script: '/opt/*'", "script: 'module:*'"})
        CHECK_FALSE(accepts(app + keys, &process));
    process.script = "module:http.server";
    CHECK(accepts(app + "script: 'module:http.server'", &process));
    CHECK(accepts(app + "script: 'module:http.*'", &process));
    CHECK_FALSE(accepts(app + "script: 'class:http.server'", &process));
    CHECK_FALSE(accepts(app + "script: '/**'", &process));
    process.script = "unknown:options";
    for (const char* keys : {"script: '/**'", "script: 'module:*'", "script: 'class:*'"})
        CHECK_FALSE(accepts(app + keys, &process));
    process.script.clear();
    process.ancestors.clear();
    CHECK_FALSE(accepts(app + "script: '/**'", &process));
    CHECK_FALSE(accepts("parent: '/**'", &process));
}

TEST_CASE("values that could never match are refused") {
    CHECK(error_of("script: /opt/run.py").find("any program") != std::string::npos);
    CHECK(error_of("app: /usr/bin/python3, script: run.py").find("absolute") != std::string::npos);
    CHECK(error_of("app: /usr/bin/python3, script: 'module:'").find("module") != std::string::npos);
    CHECK(error_of("app: /usr/bin/python3, script: 'unknown:*'").find("absolute") != std::string::npos);
    CHECK(error_of("parent: unknown").find("not a program") != std::string::npos);
    CHECK(error_of("parent: make").find("absolute") != std::string::npos);
    CHECK(error_of("app: unknown, parent: /usr/bin/make").find("unknown") != std::string::npos);
    CHECK(error_of("unit: ssh").find("no ending") != std::string::npos);
    CHECK(error_of("unit: system.slice").find("no ending") != std::string::npos);
    CHECK(error_of("unit: /system.slice/ssh.service").find("not the name") != std::string::npos);
    CHECK(error_of("unit: 'user:'").find("not the name") != std::string::npos);
    CHECK(error_of("unit: 'a[.service'").find("without its ]") != std::string::npos);
    CHECK(error_of("slice: ssh.service").find(".slice") != std::string::npos);
    CHECK(error_of("container: web").find("whose container") != std::string::npos);
    CHECK(error_of("container: 'lxd:web'").find("whose container") != std::string::npos);
    CHECK(error_of("container: 'lxc:'").find("whose container") != std::string::npos);
    CHECK(error_of("container: 'docker:0123456789ab'").find("whole id") != std::string::npos);
    CHECK(error_of("container: 'flatpak:org.x.App'").find("manager") != std::string::npos);
    CHECK(error_of("group: 'a:b'").find("not a group") != std::string::npos);
    CHECK(error_of("app: unknown, unit: ssh.service").find("unknown") != std::string::npos);
    CHECK(error_of("app: 'unknown:kernel', group: 0").find("unknown") != std::string::npos);
    const auto missing =
        Ruleset::compile(one_rule("group: no-such"), {}, oracle::test_environment());
    REQUIRE_FALSE(missing);
    CHECK(missing.error().what.find("no group") != std::string::npos);
    CHECK(missing.error().place.line == 2);
}

TEST_CASE("rules about identity are written as they were read") {
    const auto rules = one_rule(
        "group: [users, 0], unit: [ssh.service, 'user:app-*.scope', 'a\\x2db.service'], "
        "slice: user.slice, container: ['docker:*', 'user:flatpak:org.x.App'], "
        "app: /usr/bin/python3, parent: /usr/bin/make, script: [/opt/*/run.py, 'module:a.b']");
    const auto again = parse_rules("rules:\n" + format_rule(rules[0]), "f");
    REQUIRE(again);
    CHECK(same_rules(rules, *again));
    Rule other = rules[0];
    REQUIRE(other.has(Condition::unit));
    for (Term& term : other.terms)
        if (term.condition == Condition::unit) term.values[0].text = "sshd.service";
    CHECK_FALSE(same_rule(rules[0], other));
    CHECK(summary(rules[0]).find("of group users,0 in ssh.service,") != std::string::npos);
}

TEST_CASE("what runs in an AppImage's mount is part of it") {
    CHECK(is_of_appimage("/tmp/.mount_FooaB3xY9/AppRun", ".mount_FooaB3xY9"));
    CHECK(is_of_appimage("tmp//.mount_FooaB3xY9/AppRun", ".mount_FooaB3xY9"));
    CHECK(is_of_appimage(".mount_FooaB3xY9/AppRun", ".mount_FooaB3xY9"));
    for (const auto& [first, mount] : std::vector<std::pair<std::string, std::string>>{
             {"/tmp/.mount_FooaB3xY9/AppRun", ".mount_BaraB3xY9"},
             {"/tmp/.mount_FooaB3xY9/AppRun", ".mount_FooaB3xY"},
             {"/tmp/.mount_FooaB3xY9/AppRun", "mount_FooaB3xY9"},
             {"/tmp/x.mount_FooaB3xY9/AppRun", ".mount_FooaB3xY9"},
             {"/tmp/.mount_FooaB3xY9/usr/AppRun", ".mount_FooaB3xY9"},
             {"/tmp/.mount_FooaB3xY9/usr/bin/foo", ".mount_FooaB3xY9"},
             {"/tmp/.mount_FooaB3xY9AppRun", ".mount_FooaB3xY9"},
             {"/tmp/.mount_FooaB3xY9", ".mount_FooaB3xY9"},
             {"/tmp/.mount_/AppRun", ".mount_"},
             {"/tmp/appimage_extracted_0123/AppRun", "appimage_extracted_0123"},
             {"/home/u/AppRun", "u"}, {"/AppRun", ""}, {"AppRun", ""}, {"", ".mount_FooaB3xY9"},
             {"/tmp/.mount_FooaB3xY9/AppRun", ""}, {"", ""}}) {
        INFO(first << " " << mount);
        CHECK_FALSE(is_of_appimage(first, mount));
    }
}

TEST_CASE("rules by an AppImage's own path") {
    Process process;
    process.exe = "/tmp/.mount_FooaB3xY9/usr/bin/foo";
    process.appimage = "/opt/Foo.AppImage";
    process.ancestors = {"/usr/bin/bash"};
    for (const char* keys : {"app: /opt/Foo.AppImage", "app: '/opt/*.AppImage'", "app: ['/usr/bin/x', /opt/Foo.AppImage]",
                             "app: /tmp/.mount_FooaB3xY9/usr/bin/foo"}) {
        INFO(keys);
        CHECK(accepts(keys, &process));
    }
    for (const char* keys : {"app: /opt/Bar.AppImage", "app: /opt/Foo", "app: '/usr/**'",
                             "parent: /opt/Foo.AppImage", "app: /opt/Foo.AppImage, parent: /opt/Foo.AppImage"}) {
        INFO(keys);
        CHECK_FALSE(accepts(keys, &process));
    }
    process.appimage = "";
    CHECK_FALSE(accepts("app: /opt/Foo.AppImage", &process));
    CHECK_FALSE(accepts("app: '/opt/**'", &process));
}
