// SPDX-License-Identifier: GPL-2.0-or-later
#include <fstream>

#include <fmt/format.h>
#include <sys/stat.h>

#include "fwd/cgroup_mount.hpp"
#include "fwd/process_details.hpp"
#include "tests/pure/audit_fixture.hpp"

using namespace doorward;

namespace {

constexpr std::uint64_t tick_ns = 10'000'000;  // 1/100 s: sysconf(_SC_CLK_TCK) is 100 on Linux

// A /proc tree on disk.
class FakeProc {
public:
    struct Process {
        std::uint32_t pid = 0;
        std::uint32_t parent = 0;
        std::uint64_t ticks = 0;
        std::string exe;
        std::string name = "some) (name 1 2";
    };

    void add(const Process& process) const {
        const std::string base = folder_ / std::to_string(process.pid);
        std::filesystem::remove_all(base);
        std::filesystem::create_directories(base);
        write(process.pid, "stat",
              fmt::format("{} ({}) S {} 1 1 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 {} 999 1",
                          process.pid, process.name, process.parent, process.ticks));
        std::filesystem::create_symlink(process.exe, base + "/exe");
        std::filesystem::create_symlink("/home/of/" + std::to_string(process.pid), base + "/cwd");
        write(process.pid, "cgroup", "5:cpu:/x.service\n0::/system.slice/web.service\n");
    }
    void write(std::uint32_t pid, const std::string& name, const std::string& text) const {
        std::ofstream(folder_ / std::to_string(pid) + "/" + name, std::ios::binary) << text;
    }

    ProcessDetails details() const {
        ProcessDetails::Options options;
        options.proc = folder_.path();
        options.user_name = [](std::uint32_t uid) { return "user" + std::to_string(uid); };
        return ProcessDetails(options);
    }

private:
    TempFolder folder_;
};

AuditRecord bare_record() {
    AuditRecord record;
    record.pid = 100;
    record.start_ns = 5000 * tick_ns + 1234;
    record.exec_id = 1;
    record.uid = 7;
    record.exe = "/usr/bin/prog";
    record.parent_pid = 50;
    return record;
}

const FakeProc::Process child{.pid = 100, .parent = 50, .ticks = 5000, .exe = "/usr/bin/prog"};
const FakeProc::Process parent{
    .pid = 50, .parent = 1, .ticks = 10, .exe = "/usr/bin/bash (deleted)"};

}  // namespace

TEST_CASE("/proc/PID/stat is read behind the name, whatever the name is") {
    const auto line = [](const std::string& name) {
        return "7 (" + name + ") S 3 1 1 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 555 999 1";
    };
    for (const auto* name : {"sh", "a b", ") S 9 9 9 9 9", "x\n) ", "("})
        CHECK(parse_proc_stat(line(name)) == ProcStat{3, 555});
    for (const auto* text :
         {"", "7", "7 (sh)", "7 (sh) S 3", "7 (sh) S x 1 1 0 -1 4 1 2 3 4 5 6 7 8 20 0 1 0 5 9",
          "7 (sh) S 3 1 1 0 -1 4 1 2 3 4 5 6 7 8 20 0 1 0 -5 9"}) {
        INFO(text);
        CHECK_FALSE(parse_proc_stat(text));
    }
}

TEST_CASE("start times agree to the tick") {
    CHECK(same_start(5000 * tick_ns, 5000));
    CHECK(same_start(5001 * tick_ns - 1, 5000));
    CHECK_FALSE(same_start(5001 * tick_ns, 5000));
    CHECK_FALSE(same_start(5000 * tick_ns - 1, 5000));
}

TEST_CASE("the v2 line of /proc/PID/cgroup") {
    CHECK(parse_proc_cgroup("0::/a\n") == "/a");
    CHECK(parse_proc_cgroup("10:x:/b\n0::/a") == "/a");
    CHECK_FALSE(parse_proc_cgroup("10:x:/b\n"));
    CHECK_FALSE(parse_proc_cgroup(""));
    CHECK_FALSE(parse_proc_cgroup("x0::/a\n"));
}

TEST_CASE("what is empty is completed") {
    const FakeProc proc;
    proc.add(child);
    proc.add(parent);
    auto details = proc.details();
    AuditRecord record = bare_record();
    details.complete(record);
    CHECK(record.command_line.empty());  // not asked for: see process_details.hpp
    CHECK(record.working_directory == "/home/of/100");
    CHECK(record.parent_exe == "/usr/bin/bash");
    CHECK(record.unit == "web.service");
    CHECK(record.slice == "system.slice");
    CHECK(record.user == "user7");
}

TEST_CASE("what is there stays") {
    const FakeProc proc;
    proc.add(child);
    proc.add(parent);
    auto details = proc.details();
    AuditRecord record = bare_record();
    record.command_line = "hook's";
    record.parent_exe = "/hook/parent";
    record.user = "someone";
    details.complete(record);
    CHECK(record.command_line == "hook's");
    CHECK(record.parent_exe == "/hook/parent");
    CHECK(record.user == "someone");
}

TEST_CASE("nothing is taken from a process that reused the number") {
    const FakeProc proc;
    proc.add(child);
    proc.add(parent);
    auto details = proc.details();
    AuditRecord record = bare_record();
    record.start_ns = 4999 * tick_ns;
    details.complete(record);
    CHECK(record.command_line.empty());
    CHECK(record.working_directory.empty());
    CHECK(record.parent_exe.empty());
    CHECK(record.unit.empty());
    CHECK(record.user == "user7");  // of the uid, which the hook took
}

TEST_CASE("a process that is gone, or not known, is no error") {
    const FakeProc proc;
    auto details = proc.details();
    AuditRecord record = bare_record();
    details.complete(record);
    CHECK(record.working_directory.empty());
    AuditRecord unknown;
    details.complete(unknown);
    CHECK(unknown == AuditRecord{});
}

TEST_CASE("a parent that has ended names nobody") {
    const FakeProc proc;
    auto orphan = child;
    orphan.parent = 1;
    proc.add(orphan);
    proc.add(parent);  // the number 50, given to another by now
    auto details = proc.details();
    AuditRecord record = bare_record();
    details.complete(record);
    CHECK(record.parent_exe.empty());
    CHECK(record.working_directory == "/home/of/100");
}

TEST_CASE("each process is asked about once, and again after an exec") {
    const FakeProc proc;
    proc.add(child);
    auto details = proc.details();
    AuditRecord first = bare_record();
    details.complete(first);
    proc.write(100, "cgroup", "0::/system.slice/changed.service\n");
    AuditRecord second = bare_record();
    details.complete(second);
    CHECK(second.unit == "web.service");
    AuditRecord after_exec = bare_record();
    after_exec.exec_id = 2;
    details.complete(after_exec);
    CHECK(after_exec.unit == "changed.service");
}

TEST_CASE("names of users are remembered for a while") {
    ProcessDetails::Options options;
    int calls = 0;
    options.user_name = [&calls](std::uint32_t) { return fmt::format("name{}", ++calls); };
    options.proc = "/nonexistent";
    const auto name = [](ProcessDetails& details, std::uint32_t uid) {
        AuditRecord record = bare_record();
        record.uid = uid;
        details.complete(record);
        return record.user;
    };
    {
        ProcessDetails details(options);
        CHECK(name(details, 1) == "name1");
        CHECK(name(details, 1) == "name1");
        CHECK(name(details, 2) == "name2");
    }
    options.user_expiry = std::chrono::seconds(0);
    ProcessDetails forgetful(options);
    CHECK(name(forgetful, 1) == "name3");
    CHECK(name(forgetful, 1) == "name4");
    CHECK(ProcessDetails::user_name_of(0) == "root");
    CHECK(ProcessDetails::user_name_of(4'000'000'123).empty());
}

TEST_CASE("this very process, from the real /proc") {
    const auto folder = ProcFolder::open("/proc", static_cast<std::uint32_t>(getpid()));
    REQUIRE(folder);
    const auto stat = folder->stat();
    REQUIRE(stat);
    CHECK(stat->parent_pid == static_cast<std::uint32_t>(getppid()));
    AuditRecord record;
    record.pid = static_cast<std::uint32_t>(getpid());
    record.start_ns = stat->start_ticks * tick_ns + 77;
    record.exe = std::filesystem::read_symlink("/proc/self/exe");
    record.parent_pid = static_cast<std::uint32_t>(getppid());
    ProcessDetails details;
    details.complete(record);
    CHECK(record.working_directory == std::filesystem::current_path());
}

// Needs cgroup v2 and CAP_DAC_READ_SEARCH; says so where they are missing.
TEST_CASE("a cgroup's path by its id") {
    const auto mount = cgroup2_mount();
    if (!mount || geteuid() != 0) {
        WARN("skipped: no cgroup v2 mount, or not root");
        return;
    }
    const auto id_of = [](const std::string& path) {
        struct stat status {};
        REQUIRE(stat(path.c_str(), &status) == 0);
        return static_cast<std::uint64_t>(status.st_ino);
    };
    const std::string name = fmt::format("/doorward-test-{}.service", getpid());
    if (mkdir((*mount + name).c_str(), 0755) != 0) {
        WARN("skipped: cgroup v2 can't be written to here");
        return;
    }
    const std::uint64_t id = id_of(*mount + name);
    const auto path = cgroup_path(*mount, id);
    rmdir((*mount + name).c_str());
    CHECK(path == name);
    CHECK(cgroup_path(*mount, id_of(*mount)) == "/");
    CHECK_FALSE(cgroup_path(*mount, id));  // removed
    CHECK_FALSE(cgroup_path("/nonexistent", id));
}
