// SPDX-License-Identifier: GPL-2.0-or-later
// The command's end of the control socket.
#pragma once

#include <nlohmann/json.hpp>

#include "cli/command_error.hpp"
#include "fwd/control_json.hpp"
#include "fwd/control_protocol.hpp"
#include "fwd/handle.hpp"

namespace doorward {

class Client {
public:
    static CommandResult<Client> connect(const std::string& socket_path);

    // `method` without the interface: "GetStatus". Waits for the answer, for a bounded time.
    CommandResult<nlohmann::json> call(const std::string& method,
                                       nlohmann::json parameters = nlohmann::json::object());

private:
    explicit Client(Fd fd) : fd_(std::move(fd)) {}

    CommandResult<void> send(std::string_view bytes);
    CommandResult<Reply> receive();

    Fd fd_;
    MessageSplitter input_{max_reply_bytes};
};

// Connects, calls, and takes one member of the answer as it is, or as a type.
CommandResult<nlohmann::json> ask(const std::string& socket_path, const std::string& method,
                                  const std::string& member,
                                  nlohmann::json parameters = nlohmann::json::object());

template <class T>
CommandResult<T> as(const nlohmann::json& value) {
    auto decoded = decode<T>({{"answer", value}}, "answer");
    if (!decoded) return command_fail(exit_failed, decoded.error());
    return *std::move(decoded);
}

}  // namespace doorward
