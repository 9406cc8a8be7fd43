// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/kernel/net_pair.hpp"

#include <array>
#include <cstdio>
#include <stdexcept>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>

namespace doorward::test {
namespace {

[[noreturn]] void give_up(const std::string& what) {
    throw std::runtime_error(what + ": " + std::strerror(errno));
}

Fd new_namespace() {
    if (unshare(CLONE_NEWNET) != 0) give_up("unshare (are you root?)");
    Fd fd(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    if (!fd) give_up("open the network namespace");
    return fd;
}

struct Sockaddr {
    sockaddr_storage storage{};
    socklen_t length = 0;

    sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

Sockaddr make(int family, const std::string& address, std::uint16_t port) {
    Sockaddr out;
    int good = 0;
    if (family == AF_INET) {
        auto* v4 = reinterpret_cast<sockaddr_in*>(&out.storage);
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        good = inet_pton(AF_INET, address.c_str(), &v4->sin_addr);
        out.length = sizeof *v4;
    } else {
        auto* v6 = reinterpret_cast<sockaddr_in6*>(&out.storage);
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        good = inet_pton(AF_INET6, address.c_str(), &v6->sin6_addr);
        out.length = sizeof *v6;
    }
    if (good != 1) throw std::runtime_error("no address: " + address);
    return out;
}

Fd bound(int family, int type, std::uint16_t port) {
    Fd fd(socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    auto any = make(family, family == AF_INET ? "0.0.0.0" : "::", port);
    if (!fd || bind(fd.get(), any.get(), any.length) != 0) give_up("bind a server");
    return fd;
}

Fd open_to(const Peer& peer, int type, std::uint32_t mark) {
    Fd fd(socket(peer.family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) give_up("open a client");
    if (mark != 0 && setsockopt(fd.get(), SOL_SOCKET, SO_MARK, &mark, sizeof mark) != 0) {
        give_up("SO_MARK");
    }
    auto to = make(peer.family, peer.address, peer.port);
    if (connect(fd.get(), to.get(), to.length) != 0 && errno != EINPROGRESS) give_up("connect");
    return fd;
}

bool ready(const Fd& fd, short events, int timeout_ms) {
    pollfd waiting{fd.get(), events, 0};
    return poll(&waiting, 1, timeout_ms) > 0;
}

int error_of(const Fd& socket) {
    int error = 0;
    socklen_t length = sizeof error;
    getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &length);
    return error;
}

}  // namespace

NetPair::NetPair(Families families) : peer_(new_namespace()), here_(new_namespace()) {
    const bool v6 = families == Families::both;
    for (const Side side : {Side::peer, Side::here}) {
        enter(side);
        if (!v6) {
            run("cd /proc/sys/net/ipv6/conf; echo 1 > all/disable_ipv6 && "
                "echo 1 > default/disable_ipv6");
        }
    }
    run(fmt::format("ip link add dw0 type veth peer name dw1 netns /proc/{}/fd/{}", getpid(),
                    peer_.get()));
    for (const Side side : {Side::peer, Side::here}) {
        enter(side);
        const char* name = side == Side::here ? "dw0" : "dw1";
        std::string lines = fmt::format("link set lo up\naddress add {}/24 dev {}\n",
                                        address(AF_INET, side), name);
        if (v6) {
            lines += fmt::format("address add {}/64 dev {} nodad\n", address(AF_INET6, side), name);
        }
        run(fmt::format("ip -batch - <<'END'\n{}link set {} up\nEND\n", lines, name));
    }
}

void NetPair::enter(Side side) const {
    if (setns((side == Side::here ? here_ : peer_).get(), CLONE_NEWNET) != 0) give_up("setns");
}

std::string NetPair::address(int family, Side side) const {
    const int last = side == Side::here ? 1 : 2;
    return fmt::format("{}{}", family == AF_INET ? "10.77.0." : "fd77::", last);
}

std::string run(const std::string& command) {
    FILE* pipe = popen(("exec 2>&1; " + command).c_str(), "re");
    if (pipe == nullptr) give_up(command);
    std::string out;
    std::array<char, 4096> part;
    while (const std::size_t got = fread(part.data(), 1, part.size(), pipe)) {
        out.append(part.data(), got);
    }
    if (pclose(pipe) != 0) throw std::runtime_error(command + ": " + out);
    return out;
}

Fd listener(int family, std::uint16_t port) {
    Fd fd = bound(family, SOCK_STREAM, port);
    if (listen(fd.get(), 64) != 0) give_up("listen");
    return fd;
}

Fd receiver(int family, std::uint16_t port) { return bound(family, SOCK_DGRAM, port); }

Fd tcp_to(const Peer& peer, std::uint32_t mark) { return open_to(peer, SOCK_STREAM, mark); }

Fd udp_to(const Peer& peer, std::uint32_t mark) { return open_to(peer, SOCK_DGRAM, mark); }

int connected(const Fd& socket, int timeout_ms) {
    return ready(socket, POLLOUT, timeout_ms) ? error_of(socket) : ETIMEDOUT;
}

int pending_error(const Fd& socket, int timeout_ms) {
    return ready(socket, POLLERR, timeout_ms) ? error_of(socket) : ETIMEDOUT;
}

Fd accepted(const Fd& listener, int timeout_ms) {
    if (!ready(listener, POLLIN, timeout_ms)) return Fd();
    return Fd(accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
}

bool send_text(const Fd& socket, const std::string& text) {
    return send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(text.size());
}

std::size_t datagrams(const Fd& socket, std::size_t wanted, int timeout_ms) {
    std::size_t got = 0;
    std::vector<char> buffer(1 << 16);
    while (got < wanted && ready(socket, POLLIN, timeout_ms)) {
        if (recv(socket.get(), buffer.data(), buffer.size(), 0) < 0) break;
        ++got;
    }
    return got;
}

std::size_t bytes(const Fd& socket, std::size_t wanted, int timeout_ms) {
    std::size_t got = 0;
    std::array<char, 4096> buffer;
    while (got < wanted && ready(socket, POLLIN, timeout_ms)) {
        const ssize_t part = recv(socket.get(), buffer.data(), buffer.size(), 0);
        if (part <= 0) break;
        got += static_cast<std::size_t>(part);
    }
    return got;
}

}  // namespace doorward::test
