// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/conntrack.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <string>

#include <arpa/inet.h>
#include <endian.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <poll.h>

#include "fwd/mnl_socket.hpp"

namespace doorward {
namespace {

constexpr int answer_timeout_ms = 10'000;
constexpr int dump_attempts = 5;
constexpr const char* remedy = "doorward needs CAP_NET_ADMIN and the module nf_conntrack_netlink";

template <std::size_t Size>
using Attributes = std::array<const nlattr*, Size>;

// Attributes by type; of a type that comes twice the last one counts, unknown types are left out.
template <std::size_t Size>
void sort_out(const nlattr* first, std::size_t length, Attributes<Size>& sorted) {
    int left = static_cast<int>(length);
    for (const nlattr* at = first; mnl_attr_ok(at, left); at = mnl_attr_next(at)) {
        left -= static_cast<int>(MNL_ALIGN(at->nla_len));
        if (mnl_attr_get_type(at) < Size) sorted[mnl_attr_get_type(at)] = at;
    }
}

template <std::size_t Size>
Attributes<Size> nested(const nlattr* parent) {
    Attributes<Size> sorted{};
    if (parent != nullptr) {
        sort_out(static_cast<const nlattr*>(mnl_attr_get_payload(parent)),
                 mnl_attr_get_payload_len(parent), sorted);
    }
    return sorted;
}

Attributes<CTA_MAX + 1> entry_attributes(const nlmsghdr* message) {
    Attributes<CTA_MAX + 1> sorted{};
    if (mnl_nlmsg_get_payload_len(message) < sizeof(nfgenmsg)) return sorted;
    sort_out(static_cast<const nlattr*>(
                 mnl_nlmsg_get_payload_offset(message, sizeof(nfgenmsg))),
             mnl_nlmsg_get_payload_len(message) - MNL_ALIGN(sizeof(nfgenmsg)), sorted);
    return sorted;
}

bool holds(const nlattr* attribute, std::size_t length) {
    return attribute != nullptr && mnl_attr_get_payload_len(attribute) >= length;
}

bool read_address(const nlattr* v4, const nlattr* v6, Address& out) {
    if (holds(v4, 4)) {
        out = Address::v4(std::span<const std::uint8_t, 4>(
            static_cast<const std::uint8_t*>(mnl_attr_get_payload(v4)), 4));
        return true;
    }
    if (!holds(v6, 16)) return false;
    out = Address::v6(std::span<const std::uint8_t, 16>(
        static_cast<const std::uint8_t*>(mnl_attr_get_payload(v6)), 16));
    return true;
}

std::uint16_t port_in(const nlattr* attribute) {
    return holds(attribute, 2) ? ntohs(mnl_attr_get_u16(attribute)) : std::uint16_t{0};
}

std::uint32_t mark_in(const nlattr* attribute) {
    return holds(attribute, 4) ? ntohl(mnl_attr_get_u32(attribute)) : 0;
}

std::optional<std::uint64_t> bytes_in(const nlattr* counters) {
    const auto values = nested<CTA_COUNTERS_MAX + 1>(counters);
    if (!holds(values[CTA_COUNTERS_BYTES], 8)) return std::nullopt;
    return be64toh(mnl_attr_get_u64(values[CTA_COUNTERS_BYTES]));
}

bool is_closed(const nlattr* protocol_info) {
    const auto by_protocol = nested<CTA_PROTOINFO_MAX + 1>(protocol_info);
    const auto tcp = nested<CTA_PROTOINFO_TCP_MAX + 1>(by_protocol[CTA_PROTOINFO_TCP]);
    if (!holds(tcp[CTA_PROTOINFO_TCP_STATE], 1)) return false;
    const auto state = mnl_attr_get_u8(tcp[CTA_PROTOINFO_TCP_STATE]);
    return state == TCP_CONNTRACK_TIME_WAIT || state == TCP_CONNTRACK_CLOSE;
}

bool read_entry(const nlmsghdr* message, TrackedFlow& flow) {
    const auto entry = entry_attributes(message);
    const auto tuple = nested<CTA_TUPLE_MAX + 1>(entry[CTA_TUPLE_ORIG]);
    const auto ip = nested<CTA_IP_MAX + 1>(tuple[CTA_TUPLE_IP]);
    const auto protocol = nested<CTA_PROTO_MAX + 1>(tuple[CTA_TUPLE_PROTO]);
    if (!read_address(ip[CTA_IP_V4_SRC], ip[CTA_IP_V6_SRC], flow.source)) return false;
    if (!read_address(ip[CTA_IP_V4_DST], ip[CTA_IP_V6_DST], flow.destination)) return false;
    if (!holds(protocol[CTA_PROTO_NUM], 1)) return false;
    flow.protocol = static_cast<Protocol>(mnl_attr_get_u8(protocol[CTA_PROTO_NUM]));
    flow.source_port = port_in(protocol[CTA_PROTO_SRC_PORT]);
    flow.destination_port = port_in(protocol[CTA_PROTO_DST_PORT]);
    if (flow.protocol == Protocol::icmp) flow.source_port = port_in(protocol[CTA_PROTO_ICMP_ID]);
    if (flow.protocol == Protocol::icmpv6) {
        flow.source_port = port_in(protocol[CTA_PROTO_ICMPV6_ID]);
    }
    flow.mark = mark_in(entry[CTA_MARK]);
    flow.zoned = entry[CTA_ZONE] != nullptr || tuple[CTA_TUPLE_ZONE] != nullptr;
    flow.closed = is_closed(entry[CTA_PROTOINFO]);
    flow.sent = bytes_in(entry[CTA_COUNTERS_ORIG]);
    flow.answered = bytes_in(entry[CTA_COUNTERS_REPLY]);
    return true;
}

nlmsghdr* put_header(char* buffer, int type, int flags, std::uint32_t sequence,
                     std::uint8_t family) {
    nlmsghdr* message = mnl_nlmsg_put_header(buffer);
    message->nlmsg_type = static_cast<std::uint16_t>((NFNL_SUBSYS_CTNETLINK << 8) | type);
    message->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
    message->nlmsg_seq = sequence;
    auto* generic = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(nfgenmsg)));
    generic->nfgen_family = family;
    generic->version = NFNETLINK_V0;
    return message;
}

// An update of one entry: its key as the kernel gave it, byte for byte, which serves every protocol
// and zone; and the mark, of which the kernel itself changes only the bits under the mask.
std::vector<char> mark_message(const nlmsghdr* entry_message, std::uint32_t mask, std::uint32_t value) {
    const auto entry = entry_attributes(entry_message);
    const auto* generic = static_cast<const nfgenmsg*>(mnl_nlmsg_get_payload(entry_message));
    std::vector<char> bytes(entry_message->nlmsg_len + 64);
    nlmsghdr* message = put_header(bytes.data(), IPCTNL_MSG_CT_NEW, NLM_F_ACK, 0,
                                   generic->nfgen_family);
    for (const auto type : {CTA_TUPLE_ORIG, CTA_ZONE}) {
        const nlattr* key = entry[static_cast<std::size_t>(type)];
        if (key == nullptr) continue;
        mnl_attr_put(message, key->nla_type, mnl_attr_get_payload_len(key),
                     mnl_attr_get_payload(key));
    }
    mnl_attr_put_u32(message, CTA_MARK, htonl(value));
    mnl_attr_put_u32(message, CTA_MARK_MASK, htonl(mask));
    bytes.resize(message->nlmsg_len);
    return bytes;
}

}  // namespace

struct Conntrack::Impl {
    MnlSocket socket;
    std::uint32_t sequence = 0;
    std::vector<char> buffer = std::vector<char>(1 << 16);

    template <class Each>
    int take_answers(const Each& each, bool& done, bool& disturbed);
    template <class Each>
    int dump_once(const Each& each, bool& disturbed);
    int receive(std::span<const char>& bytes);
    int update(std::vector<char>& message);
};

// One datagram. Returns an errno.
int Conntrack::Impl::receive(std::span<const char>& bytes) {
    for (;;) {
        pollfd waiting{mnl_socket_get_fd(socket.get()), POLLIN, 0};
        const int ready = poll(&waiting, 1, answer_timeout_ms);
        if (ready == 0) return ETIMEDOUT;
        if (ready < 0 && errno == EINTR) continue;
        const ssize_t got = recv(waiting.fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (got < 0) return errno;
        bytes = std::span<const char>(buffer).first(static_cast<std::size_t>(got));
        return 0;
    }
}

template <class Each>
int Conntrack::Impl::take_answers(const Each& each, bool& done, bool& disturbed) {
    std::span<const char> bytes;
    if (const int error = receive(bytes); error != 0) return error;
    int left = static_cast<int>(bytes.size());
    const auto* message = reinterpret_cast<const nlmsghdr*>(bytes.data());
    for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
        if (message->nlmsg_seq != sequence) continue;
        if ((message->nlmsg_flags & NLM_F_DUMP_INTR) != 0) disturbed = true;
        if (message->nlmsg_type == NLMSG_DONE) done = true;
        if (message->nlmsg_type == NLMSG_ERROR) {
            if (mnl_nlmsg_get_payload_len(message) < sizeof(nlmsgerr)) return EBADMSG;
            done = true;
            return -static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(message))->error;
        }
        if (message->nlmsg_type == ((NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_NEW)) {
            each(message);
        }
    }
    return 0;
}

template <class Each>
int Conntrack::Impl::dump_once(const Each& each, bool& disturbed) {
    alignas(nlmsghdr) std::array<char, 64> request{};
    const nlmsghdr* message =
        put_header(request.data(), IPCTNL_MSG_CT_GET, NLM_F_DUMP, ++sequence, AF_UNSPEC);
    if (mnl_socket_sendto(socket.get(), message, message->nlmsg_len) < 0) return errno;
    for (bool done = false; !done;) {
        if (const int error = take_answers(each, done, disturbed); error != 0) return error;
    }
    return 0;
}

int Conntrack::Impl::update(std::vector<char>& message) {
    auto* header = reinterpret_cast<nlmsghdr*>(message.data());
    header->nlmsg_seq = ++sequence;
    if (mnl_socket_sendto(socket.get(), message.data(), message.size()) < 0) return errno;
    bool disturbed = false;
    for (bool done = false; !done;) {
        const int error = take_answers([](const nlmsghdr*) {}, done, disturbed);
        if (error != 0) return error;
    }
    return 0;
}

Conntrack::Conntrack(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Conntrack::Conntrack(Conntrack&&) noexcept = default;
Conntrack& Conntrack::operator=(Conntrack&&) noexcept = default;
Conntrack::~Conntrack() = default;

Result<Conntrack> Conntrack::open() {
    auto socket = open_netfilter_socket();
    if (!socket) return std::unexpected(socket.error());
    auto impl = std::make_unique<Impl>();
    impl->socket = std::move(*socket);
    return Conntrack(std::move(impl));
}

Result<std::vector<TrackedFlow>> Conntrack::list() {
    std::vector<TrackedFlow> flows;
    for (int attempt = 0; attempt < dump_attempts; ++attempt) {
        flows.clear();
        bool disturbed = false;
        const int error = impl_->dump_once([&](const nlmsghdr* message) {
            TrackedFlow flow;
            if (read_entry(message, flow)) flows.push_back(flow);
        }, disturbed);
        if (error != 0) return sys_fail("list the connection tracking table", error, remedy);
        if (!disturbed) break;
    }
    return flows;
}

Result<std::size_t> Conntrack::clear_marks(std::uint32_t mask) {
    return change_marks(mask, [](const TrackedFlow&) { return 0u; });
}

Result<std::size_t> Conntrack::change_marks(std::uint32_t mask, const MarkOf& value) {
    std::size_t changed = 0;
    bool disturbed = true;
    for (int attempt = 0; disturbed && attempt < dump_attempts; ++attempt) {
        // Updates wait until the dump is over: the socket has one conversation at a time.
        std::vector<std::vector<char>> updates;
        disturbed = false;
        int error = impl_->dump_once([&](const nlmsghdr* message) {
            const std::uint32_t before = mark_in(entry_attributes(message)[CTA_MARK]) & mask;
            if (before == 0) return;
            TrackedFlow flow;
            const std::uint32_t after = read_entry(message, flow) ? value(flow) & mask : 0;
            if (after != before) updates.push_back(mark_message(message, mask, after));
        }, disturbed);
        if (error != 0) return sys_fail("list the connection tracking table", error, remedy);
        for (std::vector<char>& update : updates) {
            error = impl_->update(update);
            if (error == 0) ++changed;
            if (error != 0 && error != ENOENT) {
                return sys_fail("change a connection tracking mark", error, remedy);
            }
        }
    }
    return changed;
}

}  // namespace doorward
