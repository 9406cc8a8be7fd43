// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/ssh_session.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <sstream>

#include "fwd/proc_files.hpp"

namespace doorward {
namespace {

constexpr int most_ancestors = 64;
constexpr std::size_t longest_environment = std::size_t{2} << 20;
constexpr const char* variable = "SSH_CONNECTION";

std::optional<Address> read_address(const std::string& text) {
    // "fe80::1%eth0": the interface is no part of the address.
    return Address::parse(text.substr(0, text.find('%')));
}

std::optional<std::uint16_t> read_port(const std::string& text) {
    std::uint16_t port = 0;
    const char* end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, port);
    if (error != std::errc{} || stopped != end || port == 0) return std::nullopt;
    return port;
}

}  // namespace

std::optional<ControlSession> parse_ssh_connection(const std::string& text) {
    std::istringstream words(text);
    std::string client, client_port, server, server_port, more;
    if (!(words >> client >> client_port >> server >> server_port) || words >> more)
        return std::nullopt;
    const auto remote = read_address(client);
    const auto local = read_address(server);
    const auto remote_port = read_port(client_port);
    const auto local_port = read_port(server_port);
    if (!remote || !local || !remote_port || !local_port) return std::nullopt;
    return ControlSession{*local, *remote, *local_port, *remote_port};
}

std::string variable_in(std::string_view environ, std::string_view name) {
    while (!environ.empty()) {
        const std::string_view entry = environ.substr(0, environ.find('\0'));
        if (entry.starts_with(name) && entry.substr(name.size()).starts_with('='))
            return std::string(entry.substr(name.size() + 1));
        environ.remove_prefix(std::min(entry.size() + 1, environ.size()));
    }
    return {};
}

std::optional<ControlSession> ssh_session() {
    if (const char* value = std::getenv(variable)) return parse_ssh_connection(value);
    auto pid = static_cast<std::uint32_t>(::getppid());
    for (int i = 0; i < most_ancestors && pid > 1; ++i) {
        const auto folder = ProcFolder::open("/proc", pid);
        const auto stat = folder ? folder->stat() : std::nullopt;
        if (!stat) return std::nullopt;
        const std::string value = variable_in(folder->text("environ", longest_environment), variable);
        if (!value.empty()) return parse_ssh_connection(value);
        pid = stat->parent_pid;
    }
    return std::nullopt;
}

}  // namespace doorward
