// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/socket_lookup.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <poll.h>

#include "fwd/clock.hpp"

namespace doorward {
namespace {

constexpr int dump_timeout_ms = 1000;
constexpr int dump_reads = 1024;  // of 16 KB: some 160,000 sockets on one port
constexpr std::uint64_t crowded_for_ns = 10'000'000'000;
constexpr std::size_t most_crowded = 64;

struct Request {
    nlmsghdr header{};
    inet_diag_req_v2 body{};
};

void put(__be32 (&to)[4], const Address& address) {
    if (address.is_v4()) {
        std::memcpy(to, address.bytes.data() + 12, 4);
    } else {
        std::memcpy(to, address.bytes.data(), 16);
    }
}

Request request_for(const Flow& flow, std::uint16_t flags, std::uint32_t sequence) {
    Request request;
    request.header = {sizeof(request), SOCK_DIAG_BY_FAMILY,
                      static_cast<std::uint16_t>(NLM_F_REQUEST | flags), sequence, 0};
    request.body.sdiag_family = flow.local.is_v4() ? AF_INET : AF_INET6;
    request.body.sdiag_protocol = static_cast<std::uint8_t>(flow.protocol);
    request.body.idiag_states = ~0u;
    request.body.id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
    request.body.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
    return request;
}

// For one socket. The kernel takes `src` for the local end of TCP, and for the remote one of UDP
// (net/ipv4/udp_diag.c calls it history).
Request request_one(const Flow& flow, const Address& remote, std::uint16_t remote_port,
                    std::uint32_t interface, std::uint32_t sequence) {
    Request request = request_for(flow, 0, sequence);
    auto& id = request.body.id;
    const bool swapped = is_udp(flow.protocol);
    put(swapped ? id.idiag_dst : id.idiag_src, flow.local);
    put(swapped ? id.idiag_src : id.idiag_dst, remote);
    (swapped ? id.idiag_dport : id.idiag_sport) = htons(flow.local_port);
    (swapped ? id.idiag_sport : id.idiag_dport) = htons(remote_port);
    id.idiag_if = interface;
    return request;
}

std::uint64_t cookie_of(const inet_diag_msg& message) {
    return std::uint64_t{message.id.idiag_cookie[1]} << 32 | message.id.idiag_cookie[0];
}

// Calls `found` for each socket in one datagram of answers; false at the end of the answers.
template <class Found>
bool read_answers(const char* bytes, std::size_t size, std::uint32_t sequence, Found found) {
    int left = static_cast<int>(size);
    const auto* message = reinterpret_cast<const nlmsghdr*>(bytes);
    for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
        if (message->nlmsg_seq != sequence) continue;  // late answer to an earlier question
        if (message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR) return false;
        if (mnl_nlmsg_get_payload_len(message) < sizeof(inet_diag_msg)) continue;
        found(*static_cast<const inet_diag_msg*>(mnl_nlmsg_get_payload(message)));
    }
    return true;
}

// The kernel has answered when the question has been sent.
std::optional<inet_diag_msg> ask_one(mnl_socket* socket, const Request& request) {
    if (mnl_socket_sendto(socket, &request, sizeof(request)) < 0) return std::nullopt;
    alignas(nlmsghdr) std::array<char, 2048> answer;
    std::optional<inet_diag_msg> told;
    for (int tries = 0; tries < 8; ++tries) {
        const ssize_t got =
            ::recv(mnl_socket_get_fd(socket), answer.data(), answer.size(), MSG_DONTWAIT);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return told;
        const bool more = read_answers(answer.data(), static_cast<std::size_t>(got),
                                       request.header.nlmsg_seq,
                                       [&](const inet_diag_msg& found) { told = found; });
        if (told || !more) return told;
    }
    return told;
}

std::optional<std::uint64_t> ask_cookie(mnl_socket* socket, const Request& request) {
    const auto found = ask_one(socket, request);
    return found ? std::optional(cookie_of(*found)) : std::nullopt;
}

// Also of a socket for IPv6 that talks IPv4.
Address address_of(const inet_diag_msg& found, const __be32 (&words)[4]) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(words);
    return found.idiag_family == AF_INET ? Address::v4(std::span<const std::uint8_t, 4>(bytes, 4))
                                         : Address::v6(std::span<const std::uint8_t, 16>(bytes, 16));
}

bool is_connected_to(const inet_diag_msg& found, const Flow& flow) {
    return address_of(found, found.id.idiag_dst) == flow.remote && ntohs(found.id.idiag_dport) == flow.remote_port;
}

// An errno, or 0. The kernel acknowledges while the request is sent.
int acknowledged(mnl_socket* socket, const Request& request) {
    if (mnl_socket_sendto(socket, &request, sizeof(request)) < 0) return errno;
    alignas(nlmsghdr) std::array<char, 2048> answer;
    for (int tries = 0; tries < 8; ++tries) {
        const ssize_t got =
            ::recv(mnl_socket_get_fd(socket), answer.data(), answer.size(), MSG_DONTWAIT);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return errno;
        const auto* message = reinterpret_cast<const nlmsghdr*>(answer.data());
        if (!mnl_nlmsg_ok(message, static_cast<int>(got))) return EBADMSG;
        if (message->nlmsg_seq != request.header.nlmsg_seq) continue;
        if (message->nlmsg_type != NLMSG_ERROR ||
            mnl_nlmsg_get_payload_len(message) < sizeof(nlmsgerr))
            return EBADMSG;
        return -static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(message))->error;
    }
    return ETIMEDOUT;
}

bool is_group(const Address& address) {
    return address.is_v4() ? address.bytes[12] >= 224 : address.bytes[0] == 0xff;
}

bool any_address(const __be32 (&words)[4]) {
    return std::all_of(std::begin(words), std::end(words), [](__be32 word) { return word == 0; });
}

// A copy of what goes to a group: whoever is at its address or at none, and talks to the sender or to nobody.
bool may_get(const inet_diag_msg& found, const Flow& flow) {
    const auto& id = found.id;
    return (any_address(id.idiag_src) || address_of(found, id.idiag_src) == flow.local) &&
           (any_address(id.idiag_dst) || is_connected_to(found, flow));
}

}  // namespace

Result<SockDiag> SockDiag::open() {
    MnlSocket socket(mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC));
    if (!socket) return sys_fail("open a sock_diag netlink socket");
    if (mnl_socket_bind(socket.get(), 0, MNL_SOCKET_AUTOPID) < 0)
        return sys_fail("bind a sock_diag netlink socket");
    return SockDiag(std::move(socket));
}

std::optional<std::uint64_t> SockDiag::receiver(const Flow& flow, std::uint32_t interface) {
    return ask_cookie(socket_.get(), request_one(flow, flow.remote, flow.remote_port, interface,
                                                 ++sequence_));
}

std::optional<std::uint64_t> SockDiag::listener(const Flow& flow, std::uint32_t interface) {
    return ask_cookie(socket_.get(), request_one(flow, Address{}, 0, interface, ++sequence_));
}

bool SockDiag::connects(const Flow& flow, std::uint32_t interface) {
    const auto found = ask_one(socket_.get(), request_one(flow, flow.remote, flow.remote_port, interface,
                                                          ++sequence_));
    return found && found->idiag_state == TCP_SYN_SENT;
}

bool SockDiag::add_receivers(std::vector<std::uint64_t>& cookies, const Flow& flow, int family) {
    Request request = request_for(flow, NLM_F_DUMP, ++sequence_);
    request.body.sdiag_family = static_cast<std::uint8_t>(family);
    request.body.id.idiag_sport = htons(flow.local_port);
    if (mnl_socket_sendto(socket_.get(), &request, sizeof(request)) < 0) return false;
    alignas(nlmsghdr) std::array<char, 16384> answer;
    const int fd = mnl_socket_get_fd(socket_.get());
    for (int reads = 0; reads < dump_reads; ++reads) {
        pollfd waiting{fd, POLLIN, 0};
        if (::poll(&waiting, 1, dump_timeout_ms) <= 0) return false;
        const ssize_t got = ::recv(fd, answer.data(), answer.size(), MSG_DONTWAIT);
        if (got < 0) return false;
        // To its end, also of too many: the kernel answers no other question before.
        const bool more = read_answers(
            answer.data(), static_cast<std::size_t>(got), sequence_,
            [&](const inet_diag_msg& found) {
                if (may_get(found, flow)) cookies.push_back(cookie_of(found));
            });
        if (!more) return true;
    }
    return false;
}

// Anybody may open thousands of sockets on one port, and to be told of them takes milliseconds, for each packet that
// comes: of such a port it is not asked again for a while.
std::optional<std::vector<std::uint64_t>> SockDiag::group_receivers(const Flow& flow) {
    const std::uint64_t now_ns = monotonic_ns();
    if (const auto found = crowded_.find(flow.local_port); found != crowded_.end() && now_ns < found->second)
        return std::nullopt;
    std::vector<std::uint64_t> cookies;
    bool whole = add_receivers(cookies, flow, AF_INET6);  // IPv4 may also go to sockets for IPv6
    if (flow.local.is_v4()) whole = add_receivers(cookies, flow, AF_INET) && whole;
    if (whole && cookies.size() <= most_of_group) return cookies;
    if (crowded_.size() >= most_crowded) crowded_.clear();
    crowded_[flow.local_port] = now_ns + crowded_for_ns;
    return std::nullopt;
}

// By cookie: should that socket go in between, nothing is closed; without it, the kernel's own search
// would take a listening socket for want of a connected one.
Result<void> SockDiag::close_connected(const Flow& flow) {
    if (flow.protocol != Protocol::tcp && !is_udp(flow.protocol))
        return fail("it is no flow of TCP or UDP, which alone have sockets that can be closed",
                    "deny what it does by a rule");
    const auto found = ask_one(socket_.get(), request_one(flow, flow.remote, flow.remote_port, 0,
                                                          ++sequence_));
    if (!found) return fail("no socket in this network namespace has it");
    if (!is_connected_to(*found, flow))
        return fail("its socket serves others too, or it has ended",
                    "deny what it does by a rule");
    Request request = request_for(flow, NLM_F_ACK, ++sequence_);
    request.header.nlmsg_type = SOCK_DESTROY;
    request.body.sdiag_family = found->idiag_family;
    request.body.id = found->id;
    const int error = acknowledged(socket_.get(), request);
    if (error == 0) return {};
    if (error == EOPNOTSUPP)
        return fail("this kernel can't close the sockets of others (CONFIG_INET_DIAG_DESTROY)",
                    "deny what it does by a rule");
    if (error == ENOENT) return fail("it has just ended");
    return sys_fail("close a socket", error, "doorward needs CAP_NET_ADMIN");
}

bool goes_to_group(const Flow& flow) { return is_group(flow.local); }

}  // namespace doorward
