// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/exit_watch.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/syscall.h>

#include "fwd/proc_files.hpp"

namespace doorward {
namespace {

bool has_ended(const Fd& process) {
    pollfd state{process.get(), POLLIN, 0};
    return ::poll(&state, 1, 0) != 0;
}

// Asked after the pidfd is there: what has another start time now had it then.
bool is_meant(const Lifetime& lifetime) {
    if (!lifetime.started) return true;
    const auto folder = ProcFolder::open("/proc", lifetime.pid);
    const auto stat = folder ? folder->stat() : std::nullopt;
    return stat && stat->start_ticks == *lifetime.started;
}

}  // namespace

Result<Fd> open_process(const Lifetime& lifetime) {
    // glibc 2.36 declares its wrapper for C only.
    Fd process(static_cast<int>(::syscall(SYS_pidfd_open, static_cast<pid_t>(lifetime.pid), 0)));
    const int error = errno;
    const std::string name = fmt::format("process {}", lifetime.pid);
    if (!process && error == ESRCH) return fail("there is no " + name);
    // The former by kernels before 6.9.
    if (!process && (error == EINVAL || error == ENOENT))
        return fail(name + " is a thread of another process", "give the number of that process");
    if (!process) return sys_fail("watch " + name, error);
    if (has_ended(process)) return fail(name + " has ended");
    if (!is_meant(lifetime))
        return fail(name + " is another one for doorwardd",
                    "it has ended, or you are in another PID namespace");
    return process;
}

Result<void> ExitWatch::follow(const TemporaryRules& rules) {
    const auto is_followed = [&](const auto& each) {
        const auto* entry = rules.find(each.first);
        return entry && entry->process == each.second->process;
    };
    std::erase_if(watched_, [&](const auto& each) { return !is_followed(each); });
    Result<void> result = {};
    for (const auto& entry : rules.entries()) {
        if (!entry.process || watched_.contains(entry.rule.name)) continue;
        auto watched = watch(entry);
        if (watched) watched_.emplace(entry.rule.name, std::move(*watched));
        else result = std::unexpected(watched.error());
    }
    return result;
}

Result<std::unique_ptr<ExitWatch::Watched>> ExitWatch::watch(const TemporaryRules::Entry& entry) {
    auto watched = std::make_unique<Watched>(Watched{this, entry.rule.name, entry.process});
    sd_event_source* source = nullptr;
    const int error = sd_event_add_io(event_, &source, entry.process->get(), EPOLLIN, on_exit,
                                      watched.get());
    if (error < 0)
        return sys_fail(fmt::format("watch process {}", entry.lifetime.pid), -error);
    watched->source.reset(source);
    sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
    return watched;
}

int ExitWatch::on_exit(sd_event_source*, int, std::uint32_t, void* watched) {
    auto* ended = static_cast<Watched*>(watched);
    // follow() may take `ended` away meanwhile.
    const std::string rule = ended->rule;
    ended->self->ended_(rule);
    return 0;
}

}  // namespace doorward
