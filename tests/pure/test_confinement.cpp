// SPDX-License-Identifier: GPL-2.0-or-later
// What the daemon gives up, given up by a child of this test.
#include <algorithm>
#include <functional>
#include <semaphore>
#include <thread>

#include <catch2/catch.hpp>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <sched.h>
#include <seccomp.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fwd/call_filter.hpp"
#include "fwd/capabilities.hpp"
#include "fwd/handle.hpp"
#include "fwd/system_calls.hpp"
#include "lacks_root.hpp"

using namespace doorward;

namespace {

struct Ended {
    int status = -1;  // as of waitpid
    std::string said;

    bool well() const { return WIFEXITED(status) && WEXITSTATUS(status) == 0; }
    bool killed() const { return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS; }
};

// Ends well if `act` gives true, which it does in a child that writes to a pipe.
Ended in_child(const std::function<bool()>& act) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        ::dup2(ends[1], STDERR_FILENO);
        ::signal(SIGSYS, SIG_DFL);  // Catch's own handler would have it
        ::_exit(act() ? 0 : 1);
    }
    ::close(ends[1]);
    const Fd reader(ends[0]);
    Ended ended;
    char buffer[4096];
    for (ssize_t got; (got = ::read(reader.get(), buffer, sizeof buffer)) > 0;)
        ended.said.append(buffer, static_cast<std::size_t>(got));
    REQUIRE(::waitpid(child, &ended.status, 0) == child);
    return ended;
}

Ended filtered(const std::function<bool()>& act) {
    return in_child([&act] { return install_call_filter() && act(); });
}

// In builds with a sanitizer, whose own calls for a new thread would be refused, here.
bool on_a_thread(const std::function<bool()>& act) {
    if constexpr (!filters_calls) return act();
    bool done = false;
    std::thread([&] { done = act(); }).join();
    return done;
}

// Of a call: what it gave.
struct Attempt {
    const char* name;
    long (*call)();
};

bool is_refused(long result) { return result == -1 && errno == EPERM; }

}  // namespace

TEST_CASE("a filtered process does what a daemon does", "[confinement]") {
    CHECK(filtered([] {
        const Fd file(::open("/dev/null", O_RDWR | O_CLOEXEC));
        const Fd netlink(::socket(AF_NETLINK, SOCK_RAW, 0));
        const Fd local(::socket(AF_UNIX, SOCK_STREAM, 0));
        void* memory = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        return file && netlink && local && memory != MAP_FAILED && ::write(file.get(), "x", 1) == 1 &&
               on_a_thread([] { return ::usleep(1) == 0; }) && refused_calls().empty();
    }).well());
}

TEST_CASE("a call that is on no list fails, and is told", "[confinement]") {
    const auto ended = filtered([] {
        for (int i = 0; i < 3; ++i)
            if (!is_refused(::socket(AF_INET, SOCK_STREAM, 0))) return false;
        const auto refused = refused_calls();
        return refused.size() == 1 && refused[0].name == "socket" && refused[0].count == 3;
    });
    CHECK(ended.well());
    // Of the first and second, not of each.
    const std::string line =
        "doorwardd: the system call socket(0x2, 0x1, ...) was refused: the daemon should not need it\n";
    CHECK(ended.said == line + line);
}

TEST_CASE("refused is what deciding does not take", "[confinement]") {
    const Attempt attempts[] = {
        {"packet socket", [] { return long{::socket(AF_PACKET, SOCK_RAW, 0)}; }},
        {"link", [] { return long{::link("/etc/passwd", "/tmp/passwd")}; }},
        {"another's end", [] { return ::syscall(SYS_tgkill, ::getppid(), ::getppid(), 0); }},
        {"kill", [] { return long{::kill(::getppid(), 0)}; }},
        {"chown", [] { return long{::chown("/dev/null", 0, 0)}; }},
        {"host name", [] { return long{::sethostname("x", 1)}; }},
        {"limits", [] { const rlimit none{}; return long{::setrlimit(RLIMIT_CORE, &none)}; }},
        {"terminal input", [] { return long{::ioctl(0, TIOCSTI, "x")}; }},
        {"an unknown number", [] { return ::syscall(4999); }},
        {"memory that is code", [] { return reinterpret_cast<long>(::mmap(nullptr, 4096,
            PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)); }},
        {"memory that becomes code", [] {
            void* data = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            return long{::mprotect(data, 4096, PROT_READ | PROT_EXEC)}; }},
        {"attaching", [] { bpf_attr none{}; return ::syscall(SYS_bpf, BPF_LINK_CREATE, &none, sizeof none); }},
    };
    for (const Attempt& attempt : attempts) {
        CAPTURE(attempt.name);
        const auto refused = [&attempt] { return is_refused(attempt.call()); };
        CHECK(filtered(refused).well());
        CHECK(filtered([&refused] { return on_a_thread(refused); }).well());
    }
}

TEST_CASE("what only an intruder would try ends the process", "[confinement]") {
    const Attempt attempts[] = {
        {"execve", [] { return long{::execl("/bin/true", "true", nullptr)}; }},
        {"fork", [] {
            const pid_t child = ::fork();
            if (child == 0) ::_exit(0);
            return long{child}; }},
        {"spawn", [] {
            char word[] = "true";
            char* words[] = {word, nullptr};
            return long{::posix_spawn(nullptr, "/bin/true", nullptr, nullptr, words, nullptr)}; }},
        {"ptrace", [] { return ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr); }},
        {"unshare", [] { return long{::unshare(0)}; }},
        {"setns", [] { return long{::setns(0, 0)}; }},
        {"mount", [] { return long{::mount("none", "/none", "tmpfs", 0, nullptr)}; }},
        {"setuid", [] { return long{::setuid(::getuid())}; }},
        {"a program for the kernel", [] {
            bpf_attr none{};
            return ::syscall(SYS_bpf, BPF_PROG_LOAD, &none, sizeof none); }},
        {"a module", [] { return ::syscall(SYS_finit_module, -1, "", 0); }},
        {"io_uring", [] { return ::syscall(SYS_io_uring_setup, 1, nullptr); }},
    };
    for (const Attempt& attempt : attempts) {
        CAPTURE(attempt.name);
        const auto survived = [&attempt] { return attempt.call(), true; };
        CHECK_FALSE(in_child(survived).killed());  // without the filter
        CHECK(filtered(survived).killed());
        CHECK(filtered([&survived] { return on_a_thread(survived); }).killed());
    }
}

TEST_CASE("the filter is for threads that were there before, too", "[confinement]") {
    CHECK(in_child([] {
        std::binary_semaphore installed(0);
        bool refused = false;
        std::thread before([&] {
            installed.acquire();
            refused = is_refused(::socket(AF_INET, SOCK_STREAM, 0));
        });
        const auto done = install_call_filter();
        installed.release();
        before.join();
        return done && refused;
    }).well());
}

TEST_CASE("the lists name calls that there are, and none is on both", "[confinement]") {
    std::vector<std::string> seen;
    for (const auto& list : {allowed_calls(), deadly_calls()})
        for (const CallRule& rule : list) {
            CAPTURE(rule.name);
            CHECK(::seccomp_syscall_resolve_name(rule.name) != __NR_SCMP_ERROR);
            CHECK((rule.argument < 0 || (rule.value & ~rule.mask) == 0));
            if (rule.argument >= 0) continue;
            CHECK(std::ranges::find(seen, rule.name) == seen.end());
            seen.emplace_back(rule.name);
        }
}

TEST_CASE("capabilities are given up for good", "[confinement]") {
    const auto held = held_capabilities();
    REQUIRE(held);
    const Capabilities wanted = capabilities({CAP_NET_ADMIN, CAP_SYS_PTRACE});
    CHECK(in_child([&] {
        if (!keep_capabilities(wanted)) return false;
        const auto now = held_capabilities();
        return now && now->effective == (held->permitted & wanted) && now->permitted == now->effective &&
               now->inheritable == 0 && ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 &&
               on_a_thread([&] { return held_capabilities()->permitted == now->permitted; });
    }).well());
    if (lacks_root("to give up what a program could be started with")) return;
    CHECK(in_child([&] {
        return keep_capabilities(wanted) && held_capabilities()->bounding == (held->bounding & wanted);
    }).well());
    // Nothing comes back.
    CHECK(in_child([&] {
        return keep_capabilities(wanted) && keep_capabilities(~Capabilities{0}) &&
               held_capabilities()->permitted == (held->permitted & wanted);
    }).well());
}

TEST_CASE("capabilities have the names that people know", "[confinement]") {
    CHECK(capability_names(capabilities({CAP_NET_ADMIN, CAP_DAC_READ_SEARCH})) ==
          std::vector<std::string>{"cap_dac_read_search", "cap_net_admin"});
    CHECK(capability_names(0).empty());
}
