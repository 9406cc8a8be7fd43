// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/call_filter.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include <fmt/compile.h>
#include <fmt/format.h>
#include <seccomp.h>
#include <ucontext.h>
#include <unistd.h>

#include "fwd/handle.hpp"
#include "fwd/system_calls.hpp"

namespace doorward {
namespace {

using Filter = CHandle<void, seccomp_release>;

constexpr int known_calls = 512;  // numbers; later ones are counted together, as the last

// Made before the filter is in: the handler may not allocate.
struct Refusal {
    std::atomic<std::uint64_t> count = 0;
    std::string begins;  // of the line that tells of it: up to the arguments
};
std::array<Refusal, known_calls> refusals;

// Where the first two arguments of a system call are, and its result.
struct Registers {
    std::uint64_t first, second;
    void (*set_result)(mcontext_t&, int error);
};

Registers registers_of(const mcontext_t& machine) {
#if defined(__x86_64__)
    return {static_cast<std::uint64_t>(machine.gregs[REG_RDI]),
            static_cast<std::uint64_t>(machine.gregs[REG_RSI]),
            [](mcontext_t& there, int error) { there.gregs[REG_RAX] = -error; }};
#elif defined(__aarch64__)
    return {machine.regs[0], machine.regs[1], [](mcontext_t& there, int error) {
                there.regs[0] = static_cast<std::uint64_t>(-static_cast<std::int64_t>(error));
            }};
#else
#error "say which registers hold the arguments and the result of a system call"
#endif
}

// Neither allocates nor locks. Which socket, device or command was meant is mostly in the first two.
void tell(const Refusal& refusal, const Registers& registers) {
    std::array<char, 256> line;
    const auto told = fmt::format_to_n(
        line.data(), line.size(), FMT_COMPILE("{}({:#x}, {:#x}, ...) was refused: the daemon should not need it\n"),
        refusal.begins, registers.first, registers.second);
    [[maybe_unused]] const ssize_t written =
        ::write(STDERR_FILENO, line.data(), std::min(told.size, line.size()));
}

// In the thread that made the call, in the place of the call. The first refusals are told, then ever fewer.
void on_refused(int, siginfo_t* info, void* context) {
    const int before = errno;
    const int number = info->si_syscall;
    Refusal& refusal = refusals[static_cast<std::size_t>(
        number >= 0 && number < known_calls ? number : known_calls - 1)];
    auto& machine = static_cast<ucontext_t*>(context)->uc_mcontext;
    const Registers registers = registers_of(machine);
    if (std::has_single_bit(++refusal.count)) tell(refusal, registers);
    registers.set_result(machine, EPERM);
    errno = before;
}

std::string name_of(int number) {
    const CHandle<char, std::free> name(
        ::seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number));
    return name ? name.get() : std::to_string(number);
}

void prepare_names() {
    const std::string_view prefix = std::getenv("JOURNAL_STREAM") ? "<3>" : "doorwardd: ";
    for (int number = 0; number < known_calls; ++number)
        refusals[static_cast<std::size_t>(number)].begins =
            fmt::format("{}the system call {}", prefix, name_of(number));
}

// A library that is older than the call does not know its number; then it is refused.
Result<void> add(scmp_filter_ctx filter, std::uint32_t action, const CallRule& rule) {
    const int number = ::seccomp_syscall_resolve_name(rule.name);
    if (number < 0) return {};
    const scmp_arg_cmp compared{static_cast<unsigned>(rule.argument), SCMP_CMP_MASKED_EQ, rule.mask,
                                rule.value};
    const int error = ::seccomp_rule_add_array(filter, action, number, rule.argument < 0 ? 0 : 1,
                                               rule.argument < 0 ? nullptr : &compared);
    if (error != 0) return sys_fail(fmt::format("filter the system call {}", rule.name), -error);
    return {};
}

Result<Filter> make_filter() {
    Filter filter(::seccomp_init(SCMP_ACT_TRAP));
    if (!filter) return sys_fail("make a filter of system calls", ENOMEM);
    for (const CallRule& rule : allowed_calls())
        if (auto added = add(filter.get(), SCMP_ACT_ALLOW, rule); !added)
            return std::unexpected(added.error());
    for (const CallRule& rule : deadly_calls())
        if (auto added = add(filter.get(), SCMP_ACT_KILL_PROCESS, rule); !added)
            return std::unexpected(added.error());
    // abort(), and nobody else's end.
    const CallRule own_end{"tgkill", 0, 0xffffffff, static_cast<std::uint64_t>(::getpid())};
    if (auto added = add(filter.get(), SCMP_ACT_ALLOW, own_end); !added)
        return std::unexpected(added.error());
    // Its flags lie in memory, where no filter sees them. The C library then uses clone.
    if (auto added = add(filter.get(), SCMP_ACT_ERRNO(ENOSYS), {"clone3"}); !added)
        return std::unexpected(added.error());
    for (const auto& [attribute, value] :
         {std::pair{SCMP_FLTATR_CTL_TSYNC, 1u}, {SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS},
          {SCMP_FLTATR_CTL_OPTIMIZE, 2u}})
        if (const int error = ::seccomp_attr_set(filter.get(), attribute, value); error != 0)
            return sys_fail("set up the filter of system calls", -error);
    return filter;
}

}  // namespace

Result<void> install_call_filter() {
    const auto filter = make_filter();
    if (!filter) return std::unexpected(filter.error());
    prepare_names();
    struct sigaction action{};
    action.sa_sigaction = on_refused;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    if (::sigaction(SIGSYS, &action, nullptr) != 0) return sys_fail("handle SIGSYS");
    if (const int error = ::seccomp_load(filter->get()); error != 0)
        return sys_fail("install the filter of system calls", -error,
                        "a kernel with CONFIG_SECCOMP_FILTER is needed");
    return {};
}

std::vector<NamedCount> refused_calls() {
    std::vector<NamedCount> refused;
    for (int number = 0; number < known_calls; ++number)
        if (const std::uint64_t count = refusals[static_cast<std::size_t>(number)].count)
            refused.push_back({name_of(number), count});
    return refused;
}

}  // namespace doorward
