// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/control_connection.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>

namespace doorward {

namespace {

// Who may ask nothing has no reason to stay: time for one question about what this service is.
constexpr std::chrono::seconds stranger_stay{5};

Reply own_error(std::string_view name, const std::string& message) {
    return {.error = fmt::format("{}.{}", control_interface_name, name),
            .parameters = {{"message", message}}};
}

}  // namespace

ControlConnection::ControlConnection(Fd fd, Peer peer, Access access, const ControlLimits& limits)
    : fd_(std::move(fd)), peer_(std::move(peer)), access_(access), limits_(limits),
      input_(limits.call_bytes) {
    const auto patience = access == Access::none ? stranger_stay : limits.idle;
    deadline_ = Clock::now() + patience;
}

std::uint32_t ControlConnection::wanted() const {
    const bool work_left = !output_.empty() || input_.has_message();
    return work_left ? EPOLLOUT : EPOLLIN;
}

bool ControlConnection::is_asked(std::uint32_t events) const {
    return output_.empty() && (input_.has_message() || (events & EPOLLIN) != 0);
}

bool ControlConnection::serve(std::uint32_t events, const ControlServer::Handler& handler,
                              Clock::time_point now) {
    if (events & EPOLLERR) return false;
    const bool was_in_call = in_call();
    if (output_.empty() && !input_.has_message() && (events & (EPOLLIN | EPOLLHUP)) && !receive())
        return false;
    if (output_.empty() && !closing_ && input_.has_message() && !answer_one(handler)) return false;
    const std::size_t before = sent_;
    if (!output_.empty() && !flush()) return false;
    if (closing_ && output_.empty()) return false;
    // A reply that is not being read keeps its deadline, and so does a call that comes in drops.
    const bool waiting = output_.empty() ? was_in_call && in_call() : sent_ == before;
    if (!waiting) set_deadline(now);
    return true;
}

bool ControlConnection::receive() {
    std::array<char, 65536> buffer;
    const ssize_t got = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got == 0) return false;
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    const auto fed = input_.feed({buffer.data(), static_cast<std::size_t>(got)});
    if (!fed) reply_and_close("ProtocolError", fed.error().text());
    return true;
}

bool ControlConnection::answer_one(const ControlServer::Handler& handler) {
    const auto call = decode_call(*input_.next());
    if (!call) {
        reply_and_close("ProtocolError", call.error().text());
        return true;
    }
    const Reply reply = handler(*call, access_);
    if (call->oneway) return true;
    output_ = encode(reply);
    if (output_.size() > limits_.reply_bytes)
        output_ = encode(own_error("Failed", fmt::format("the answer is longer than {} bytes",
                                                         limits_.reply_bytes)));
    return true;
}

bool ControlConnection::flush() {
    const ssize_t written = ::send(fd_.get(), output_.data() + sent_, output_.size() - sent_,
                                   MSG_DONTWAIT | MSG_NOSIGNAL);
    if (written < 0) return errno == EAGAIN || errno == EINTR;
    sent_ += static_cast<std::size_t>(written);
    if (sent_ < output_.size()) return true;
    output_ = {};  // also gives the memory of a long reply back
    sent_ = 0;
    return true;
}

void ControlConnection::reply_and_close(std::string_view error, const std::string& message) {
    output_ = encode(own_error(error, message));
    closing_ = true;
}

void ControlConnection::send_last(const Reply& reply) {
    const std::string bytes = encode(reply);
    static_cast<void>(::send(fd_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
}

void ControlConnection::set_deadline(Clock::time_point now) {
    if (access_ == Access::none) return;
    deadline_ = now + (output_.empty() && !in_call() ? limits_.idle : limits_.stalled);
}

}  // namespace doorward
