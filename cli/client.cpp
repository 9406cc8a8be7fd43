// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/client.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

namespace doorward {
namespace {

// A reload of 100,000 rules takes some seconds, on a slow machine many.
constexpr timeval patience{60, 0};

CommandError connect_error(const std::string& path, int error) {
    switch (error) {
        case ENOENT:
        case ECONNREFUSED:
            return {exit_unreachable,
                    fmt::format("doorwardd is not running: nobody listens on {} "
                                "(start it: systemctl start doorwardd)", path), {}};
        case EACCES:
        case EPERM:
            return {exit_denied,
                    fmt::format("you may not connect to {} (run this as root)", path), {}};
        case EAGAIN:
            return {exit_unreachable,
                    fmt::format("doorwardd does not answer on {} "
                                "(look at: systemctl status doorwardd)", path), {}};
        default:
            return {exit_unreachable,
                    fmt::format("cannot connect to {}: {}", path, std::strerror(error)), {}};
    }
}

CommandError lost(const std::string& what) {
    return {exit_unreachable, what + " (look at: systemctl status doorwardd)", {}};
}

std::string text_of(const nlohmann::json& parameters, const char* key) {
    const auto found = parameters.find(key);
    return found != parameters.end() && found->is_string() ? found->get<std::string>() : "";
}

// The last part of a qualified name: "org.doorward.Control.RuleExists" → "RuleExists".
std::string short_name(const std::string& error) { return error.substr(error.rfind('.') + 1); }

CommandError daemon_error(const Reply& reply) {
    const std::string name = short_name(reply.error);
    std::string message = text_of(reply.parameters, "message");
    if (name == "PermissionDenied")
        return {exit_denied, message + " (run this as root, or join the group)", name};
    if (name == "TooManyClients") return {exit_unreachable, "doorwardd is busy: " + message, name};
    if (name == "NothingToUndo" || name == "NothingPending" || name == "TrialPending")
        return {exit_not_now, message, name};
    if (!message.empty()) return {exit_failed, message, name};
    if (name == "InvalidParameter")
        message = "the daemon refuses the value of " + text_of(reply.parameters, "parameter");
    else
        message = "the daemon answers " + reply.error;
    return {exit_failed, message + " (is doorward of the same version as doorwardd?)", name};
}

}  // namespace

CommandResult<Client> Client::connect(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path)
        return command_fail(exit_usage, fmt::format("--socket: the path must have 1 to {} bytes",
                                                    sizeof address.sun_path - 1));
    std::ranges::copy(path, address.sun_path);
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd) return command_fail(exit_unreachable, sys_fail("create a UNIX socket").error());
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return std::unexpected(connect_error(path, errno));
    return Client(std::move(fd));
}

CommandResult<nlohmann::json> Client::call(const std::string& method, nlohmann::json parameters) {
    Call call;
    call.method = fmt::format("{}.{}", control_interface_name, method);
    call.parameters = std::move(parameters);
    const auto sent = send(encode(call));
    // A daemon that turns us away says why and hangs up, maybe before it has read anything.
    auto reply = receive();
    if (!reply) return std::unexpected(sent ? reply.error() : sent.error());
    if (!reply->error.empty()) return std::unexpected(daemon_error(*reply));
    return std::move(reply->parameters);
}

CommandResult<void> Client::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0)
            return std::unexpected(
                lost(std::string("cannot ask doorwardd: ") + std::strerror(errno)));
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return {};
}

CommandResult<Reply> Client::receive() {
    std::array<char, 65536> buffer;
    for (;;) {
        if (const auto message = input_.next()) {
            auto reply = decode_reply(*message);
            if (!reply) return command_fail(exit_failed, "doorwardd: " + reply.error().text());
            return *std::move(reply);
        }
        const ssize_t got = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno == EAGAIN) return std::unexpected(lost("doorwardd does not answer"));
        if (got <= 0) return std::unexpected(lost("doorwardd hung up without an answer"));
        const auto fed = input_.feed({buffer.data(), static_cast<std::size_t>(got)});
        if (!fed) return command_fail(exit_failed, fed.error());
    }
}

CommandResult<nlohmann::json> ask(const std::string& socket_path, const std::string& method,
                                  const std::string& member, nlohmann::json parameters) {
    auto client = Client::connect(socket_path);
    if (!client) return std::unexpected(client.error());
    auto answer = client->call(method, std::move(parameters));
    if (!answer) return std::unexpected(answer.error());
    const auto found = answer->find(member);
    if (found == answer->end())
        return command_fail(exit_failed,
                            fmt::format("the daemon's answer has no {} (is doorward of "
                                        "the same version as doorwardd?)",
                                        member));
    return std::move(*found);
}

}  // namespace doorward
