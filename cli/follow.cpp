// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/follow.hpp"

#include <iterator>

#include <poll.h>
#include <unistd.h>

namespace doorward {
namespace {

volatile std::sig_atomic_t interrupted = 0;

}  // namespace

StopOnSignal::StopOnSignal() {
    interrupted = 0;
    struct sigaction action {};
    action.sa_handler = [](int) { interrupted = 1; };
    for (std::size_t i = 0; i < std::size(signals); ++i) {
        sigaction(signals[i], &action, &before_[i]);
        if (before_[i].sa_handler == SIG_IGN) sigaction(signals[i], &before_[i], nullptr);
    }
}

StopOnSignal::~StopOnSignal() {
    for (std::size_t i = 0; i < std::size(signals); ++i) sigaction(signals[i], &before_[i], nullptr);
}

bool was_interrupted() { return interrupted != 0; }

bool stop_following(std::chrono::milliseconds wait) {
    pollfd output{.fd = STDOUT_FILENO, .events = 0, .revents = 0};
    const int ready = ::poll(&output, 1, static_cast<int>(wait.count()));
    if (ready > 0 && (output.revents & (POLLERR | POLLNVAL)) != 0) return true;
    // A file or terminal that reports something else must not make this spin.
    if (ready > 0) ::poll(nullptr, 0, static_cast<int>(wait.count()));
    return was_interrupted();
}

}  // namespace doorward
