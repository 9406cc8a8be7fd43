// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/proc_files.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <climits>

#include <fcntl.h>

namespace doorward {
namespace {

// Counted as proc(5) does; the name is field 2.
constexpr int parent_field = 4;
constexpr int start_field = 22;
constexpr std::size_t stat_limit = 4096;

template <class T>
std::optional<T> parse_number(std::string_view text) {
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::string_view take_until(std::string_view& text, char separator) {
    const std::size_t end = text.find(separator);
    const std::string_view taken = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return taken;
}

}  // namespace

std::optional<ProcStat> parse_proc_stat(std::string_view text) {
    // The process chooses its name, the kernel the rest: the last ") " ends the name.
    const std::size_t name_end = text.rfind(") ");
    if (name_end == std::string_view::npos) return std::nullopt;
    text.remove_prefix(name_end + 2);
    std::optional<std::uint32_t> parent;
    std::optional<std::uint64_t> start;
    for (int field = 3; field <= start_field && !text.empty(); ++field) {
        const std::string_view value = take_until(text, ' ');
        if (field == parent_field) parent = parse_number<std::uint32_t>(value);
        if (field == start_field) start = parse_number<std::uint64_t>(value);
    }
    if (!parent || !start) return std::nullopt;
    return ProcStat{*parent, *start};
}

std::optional<std::string> parse_proc_cgroup(std::string_view text) {
    while (!text.empty()) {
        const std::string_view line = take_until(text, '\n');
        if (line.starts_with("0::/")) return std::string(line.substr(3));
    }
    return std::nullopt;
}

std::optional<ProcFolder> ProcFolder::open(const std::string& proc, std::uint32_t pid) {
    const std::string path = proc + "/" + std::to_string(pid);
    Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd) return std::nullopt;
    return ProcFolder(std::move(fd));
}

std::optional<ProcStat> ProcFolder::stat() const {
    return parse_proc_stat(text("stat", stat_limit));
}

std::string ProcFolder::link(const char* name) const {
    std::array<char, PATH_MAX> target{};
    const ssize_t size = ::readlinkat(fd_.get(), name, target.data(), target.size());
    return size > 0 ? std::string(target.data(), static_cast<std::size_t>(size)) : std::string();
}

std::string ProcFolder::text(const char* name, std::size_t limit) const {
    const Fd file(::openat(fd_.get(), name, O_RDONLY | O_CLOEXEC));
    return file ? read_file(file, limit) : std::string();
}

Fd ProcFolder::place(const char* name) const {
    return Fd(::openat(fd_.get(), name, O_PATH | O_CLOEXEC));
}

std::string read_file(const Fd& file, std::size_t limit) {
    std::string bytes;
    std::array<char, 16384> part;
    while (bytes.size() < limit) {
        const std::size_t room = std::min(part.size(), limit - bytes.size());
        const ssize_t got = ::read(file.get(), part.data(), room);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return {};
        if (got == 0) break;
        bytes.append(part.data(), static_cast<std::size_t>(got));
    }
    return bytes;
}

bool same_start(std::uint64_t start_ns, std::uint64_t start_ticks) {
    constexpr std::uint64_t second_ns = 1'000'000'000;
    const long ticks = ::sysconf(_SC_CLK_TCK);
    return ticks > 0 && start_ns / (second_ns / static_cast<std::uint64_t>(ticks)) == start_ticks;
}

}  // namespace doorward
