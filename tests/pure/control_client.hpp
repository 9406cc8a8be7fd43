// SPDX-License-Identifier: GPL-2.0-or-later
// A client of the control socket that can also behave badly, and a server to do so with.
#pragma once

#include <array>
#include <string>

#include <sys/socket.h>
#include <sys/un.h>

#include "fake_controlled.hpp"
#include "server_thread.hpp"
#include "temp_folder.hpp"

namespace doorward {

inline const std::string status_call = encode(Call{"org.doorward.Control.GetStatus"});
inline const std::string info_call = encode(Call{"org.varlink.service.GetInfo"});

inline Fd connect_to(const std::string& path) {
    Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const timeval patience{20, 0};
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return Fd();
    return fd;
}

inline bool send_to(const Fd& fd, std::string_view bytes) {
    return ::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(bytes.size());
}

// One message; what follows it is left in the socket. Nothing if the other end hung up.
inline std::optional<Reply> receive(const Fd& fd) {
    std::string message;
    std::array<char, 65536> buffer;
    for (;;) {
        const ssize_t peeked = ::recv(fd.get(), buffer.data(), buffer.size(), MSG_PEEK);
        if (peeked <= 0) return std::nullopt;
        const std::string_view bytes(buffer.data(), static_cast<std::size_t>(peeked));
        const std::size_t end = bytes.find('\0');
        const std::size_t taken = end == std::string_view::npos ? bytes.size() : end + 1;
        if (::recv(fd.get(), buffer.data(), taken, 0) != static_cast<ssize_t>(taken))
            return std::nullopt;
        message += bytes.substr(0, std::min(taken, end));
        if (end == std::string_view::npos) continue;
        const auto reply = decode_reply(message);
        return reply ? std::optional(*reply) : std::nullopt;
    }
}

inline bool hung_up(const Fd& fd) {
    char c = 0;
    const ssize_t got = ::recv(fd.get(), &c, 1, 0);
    return got == 0 || (got < 0 && errno == ECONNRESET);
}

inline std::string error_of(const std::optional<Reply>& reply) {
    return reply ? reply->error.substr(reply->error.rfind('.') + 1) : "(hung up)";
}

struct ServerFixture {
    explicit ServerFixture(ControlLimits limits = {}, AccessGroups groups = {})
        : methods(daemon, "1.2.3"),
          server({folder / "run/control.sock", groups, limits},
                 [this](const Call& call, Access access) { return methods.call(call, access); }) {}

    std::string path() const { return folder / "run/control.sock"; }
    Fd connect() const { return connect_to(path()); }

    TempFolder folder;
    FakeControlled daemon;
    ControlMethods methods;
    ServerThread server;
};

}  // namespace doorward
