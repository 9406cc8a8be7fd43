// SPDX-License-Identifier: GPL-2.0-or-later
#include <catch2/catch.hpp>

#include "fwd/cgroup_names.hpp"
#include "rules/control_group.hpp"

using namespace doorward;

namespace {

const std::string id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const std::string manager = "/user.slice/user-1000.slice/user@1000.service";

std::string unit_of(const std::string& path) {
    const auto group = parse_control_group(path);
    return group.units.empty() ? "" : group.units.back();
}

std::string container_of(const std::string& path) { return parse_control_group(path).container; }

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("the unit of a cgroup") {
    const std::pair<std::string, const char*> cases[] = {
        {"/system.slice/ssh.service", "ssh.service"},
        {"/init.scope", "init.scope"},
        {"/user.slice/user-1000.slice/session-2.scope", "session-2.scope"},
        {manager + "/app.slice/app-foo.scope", "user:app-foo.scope"},
        {manager + "/app.slice/a-b.slice/x@1.service", "user:x@1.service"},
        {manager + "/init.scope", "user:init.scope"},
        {manager, "user@1000.service"},
        {manager + "/app.slice", "user@1000.service"},
        {"/system.slice/system-getty.slice/getty@tty1.service", "getty@tty1.service"},
        {"/system.slice/dev-sda\\x2d1.swap", "dev-sda\\x2d1.swap"},
        {"/machine.slice/docker-0123abcd.scope/system.slice/nginx.service",
         "docker-0123abcd.scope"},
        {"/system.slice/_cpu.service", "cpu.service"},  // escaped: "cpu." is a kernel file's name
        // Below a unit, names are the unit's own choice and must not pass for another unit.
        {"/system.slice/foo.service/ssh.service", "foo.service"},
        {"/system.slice/foo.service/user@0.service/ssh.service", "foo.service"},
        {manager + "/app.slice/x.service/ssh.service", "user:x.service"},
        {manager + "/user@0.service/ssh.service", "user:user@0.service"},
        // No units.
        {"", ""},
        {"/", ""},
        {"/system.slice", ""},
        {"/docker/0123abcd", ""},
        {"/docker/ssh.service", ""},
        {"/system.slice/.service", ""},
        {"/system.slice/foo@.service", ""},
        {"/system.slice/@foo.service", ""},
        {"/system.slice/foo.services", ""},
        {"/system.slice/foo.service (deleted)", ""},
        {"/system.slice/fo o.service", ""},
        {"/system.slice/user:foo.service", ""},
        {"/system.slice/foo\n.service", ""},
        {"system.slice/ssh.service", ""},
    };
    for (const auto& [path, unit] : cases) {
        INFO(path);
        CHECK(unit_of(path) == unit);
    }
    CHECK(unit_of("/" + std::string(247, 'a') + ".service").size() == 255);
    CHECK(unit_of("/" + std::string(248, 'a') + ".service").empty());
}

TEST_CASE("a user's processes are in units and slices of two managers") {
    const auto group = parse_control_group(manager + "/app.slice/app-mail.slice/x.service");
    CHECK(group.units == Names{"user@1000.service", "user:x.service"});
    CHECK(group.slices == Names{"user.slice", "user-1000.slice", "user:app.slice",
                                "user:app-mail.slice"});
    CHECK(parse_control_group("/system.slice/a.service/b.slice").slices == Names{"system.slice"});
    // What a user calls a unit or a slice never looks like the system's own.
    const auto posing = parse_control_group(manager + "/system.slice/ssh.service");
    CHECK(posing.units == Names{"user@1000.service", "user:ssh.service"});
    CHECK(posing.slices == Names{"user.slice", "user-1000.slice", "user:system.slice"});
}

TEST_CASE("the container of a cgroup") {
    const std::pair<std::string, std::string> cases[] = {
        {"/system.slice/docker-" + id + ".scope", "docker:" + id},
        {"/docker/" + id, "docker:" + id},
        {"/docker/" + id + "/init", "docker:" + id},
        {"/machine.slice/libpod-" + id + ".scope/container", "podman:" + id},
        {"/libpod_parent/libpod-" + id, "podman:" + id},
        {"/system.slice/web.service/libpod-payload-" + id, "user:podman:" + id},
        {manager + "/user.slice/libpod-" + id + ".scope", "user:podman:" + id},
        {"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice/"
         "cri-containerd-" + id + ".scope", "containerd:" + id},
        {"/kubepods.slice/kubepods-pod1.slice/crio-" + id + ".scope", "crio:" + id},
        {"/kubepods/besteffort/pod1-2/" + id, "cri:" + id},
        {"/system.slice/nerdctl-" + id + ".scope", "containerd:" + id},
        {"/lxc.payload.web/system.slice/ssh.service", "lxc:web"},
        {"/lxc/web", "lxc:web"},
        {"/machine.slice/systemd-nspawn@web.service/payload/init.scope", "machine:web"},
        {"/machine.slice/machine-web\\x2d1.scope", "machine:web-1"},
        {manager + "/app.slice/app-flatpak-org.mozilla.firefox-4242.scope",
         "user:flatpak:org.mozilla.firefox"},
        {manager + "/app.slice/app-flatpak-org.x.a\\x2db-4242.scope", "user:flatpak:org.x.a-b"},
        {manager + "/app.slice/snap.firefox.firefox-0d3b2c.scope", "user:snap:firefox"},
        {"/system.slice/snap.lxd.daemon.service", "snap:lxd"},
    };
    for (const auto& [path, container] : cases) {
        INFO(path);
        CHECK(container_of(path) == container);
    }
}

TEST_CASE("what is no container, or stands beside one") {
    const std::string cases[] = {
        "/system.slice/docker.service",
        "/system.slice/containerd.service",
        "/machine.slice/libpod-conmon-" + id + ".scope",
        "/kubepods.slice/kubepods-pod1.slice/crio-conmon-" + id + ".scope",
        "/lxc.monitor.web",
        "/lxc",
        "/docker/buildx",
        "/docker/" + id.substr(1),
        "/system.slice/docker-" + id.substr(1) + ".scope",
        "/system.slice/docker-" + id + "0.scope",
        "/system.slice/docker-" + id + ".service",
        "/system.slice/snapd.service",
        "/system.slice/snap.lxd",
        "/system.slice/snap..x.service",
        "/system.slice/app-flatpak-org.x.scope",
        "/kubepods/burstable/pod1/" + id.substr(1),
        // Below a unit anything may be called anything.
        "/system.slice/foo.service/docker-" + id + ".scope",
        "/system.slice/foo.service/docker/" + id,
        "/system.slice/foo.service/a/libpod-payload-" + id,
        manager + "/app.slice/x.service/docker-" + id + ".scope",
        "/system.slice/docker-" + id + ".scope (deleted)",
    };
    for (const auto& path : cases) {
        INFO(path);
        CHECK(container_of(path) == "");
    }
    // A user can call a cgroup what they like; it counts as theirs.
    CHECK(container_of(manager + "/docker-" + id + ".scope") == "user:docker:" + id);
    CHECK(container_of(manager + "/docker/" + id) == "user:docker:" + id);
    // Of a container in a container the outer one counts.
    CHECK(container_of("/docker/" + id + "/docker/" + std::string(64, 'f')) == "docker:" + id);
}

TEST_CASE("a cgroup is asked about once, and again while it can't be read") {
    int asked = 0;
    bool there = false;
    CgroupNames names(
        [&](std::uint64_t) -> std::optional<std::string> {
            ++asked;
            if (!there) return std::nullopt;
            return "/system.slice/ssh.service";
        },
        2);
    CHECK(names.name(7) == nullptr);
    CHECK(names.name(0) == nullptr);
    CHECK(asked == 1);
    there = true;
    REQUIRE(names.name(7) != nullptr);
    CHECK(names.name(7)->units == Names{"ssh.service"});
    CHECK(asked == 2);
    for (std::uint64_t other = 8; other < 20; ++other) names.name(other);
    CHECK(names.size() == 2);
}
