// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/run_delay.hpp"

#include <array>
#include <charconv>
#include <memory>
#include <string>

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

namespace doorward {
namespace {

constexpr const char* path = "/proc/thread-self/schedstat";

// A number and the character behind it.
std::optional<std::uint64_t> take_number(std::string_view& text, char end) {
    std::uint64_t number = 0;
    const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || at == text.data() + text.size() || *at != end) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(at - text.data()) + 1);
    return number;
}

}  // namespace

std::optional<std::uint64_t> run_delay_of(std::string_view text) {
    const auto ran_ns = take_number(text, ' ');
    const auto delayed_ns = ran_ns ? take_number(text, ' ') : std::nullopt;
    const auto times = delayed_ns ? take_number(text, '\n') : std::nullopt;
    return times && *times != 0 ? delayed_ns : std::nullopt;
}

Result<RunDelay> RunDelay::open() {
    RunDelay delay(Fd(::open(path, O_RDONLY | O_CLOEXEC)));
    if (!delay.file_) return sys_fail(std::string("open ") + path);
    if (!delay.ns()) return fail(std::string(path) + " tells nothing");
    return delay;
}

std::optional<std::uint64_t> RunDelay::ns() const {
    std::array<char, 128> text;
    const ssize_t got = ::pread(file_.get(), text.data(), text.size(), 0);
    if (got <= 0) return std::nullopt;
    return run_delay_of({text.data(), static_cast<std::size_t>(got)});
}

BusyWait busy_wait_of_thread() {
    auto opened = RunDelay::open();
    if (!opened) return BusyWait();
    const auto delay = std::make_shared<const RunDelay>(std::move(*opened));
    return BusyWait([delay] { return delay->ns(); });
}

int usable_processors() {
    cpu_set_t set;
    CPU_ZERO(&set);
    return ::sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
}

}  // namespace doorward
