// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/dns_message.hpp"

#include "rules/domain_name.hpp"

namespace doorward {
namespace {

constexpr std::size_t header_size = 12;
constexpr std::uint16_t class_in = 1;
constexpr int max_jumps = 16;  // of one name; each label can be elsewhere, few are

// What is left of a message, or of one record's data within it. After the first read beyond the end
// all reads give zero, and bad() says so.
class Cursor {
public:
    Cursor(std::span<const std::uint8_t> message, std::size_t at, std::size_t end)
        : message_(message), at_(at), end_(end) {}

    std::uint8_t u8() { return take(1) ? message_[at_ - 1] : std::uint8_t{0}; }
    std::uint16_t u16() {
        if (!take(2)) return 0;
        return static_cast<std::uint16_t>(message_[at_ - 2] << 8 | message_[at_ - 1]);
    }
    std::uint32_t u32() {
        const std::uint32_t high = u16();
        return high << 16 | u16();
    }
    std::span<const std::uint8_t> bytes(std::size_t count) {
        return take(count) ? message_.subspan(at_ - count, count) : std::span<const std::uint8_t>{};
    }
    // A record's data: a cursor of its own, which may still follow pointers into the whole message.
    Cursor part(std::size_t count) {
        const std::size_t start = at_;
        return take(count) ? Cursor(message_, start, at_) : Cursor(message_, end_, end_);
    }

    // "." for the root; empty if it is not a host name, or bad() if it is no name at all.
    std::string name();

    bool bad() const { return bad_; }
    std::size_t left() const { return end_ - at_; }

private:
    bool take(std::size_t count) {
        if (bad_ || count > end_ - at_) {
            bad_ = true;
            return false;
        }
        at_ += count;
        return true;
    }
    bool add_label(std::size_t at, std::size_t length, std::string& name, bool& host_name) const;

    std::span<const std::uint8_t> message_;
    std::size_t at_;
    std::size_t end_;
    bool bad_ = false;
};

bool Cursor::add_label(std::size_t at, std::size_t length, std::string& name,
                       bool& host_name) const {
    constexpr std::size_t longest = 254;  // as text with a dot behind each label
    if (name.size() + length + 1 > longest) return false;
    for (const std::uint8_t byte : message_.subspan(at, length)) {
        if (byte == '.' || byte <= ' ' || byte > '~') host_name = false;
        name += static_cast<char>(byte);
    }
    name += '.';
    return true;
}

// Labels up to the first pointer belong to this cursor; behind it they may stand anywhere before.
// Each pointer must lead to before the place that the one before led to, so there is no way round.
std::string Cursor::name() {
    std::string text;
    bool host_name = true;
    std::size_t at = at_, end = end_, limit = at_;
    int jumps = 0;
    while (!bad_ && at < end) {
        const std::size_t length = message_[at];
        if (length == 0) {
            if (jumps == 0) at_ = at + 1;
            if (text.empty()) return ".";
            return host_name ? normal_host_name(text).value_or(std::string()) : std::string();
        }
        if (length >= 0xc0) {
            if (at + 2 > end) break;
            const std::size_t target = (length & 0x3f) << 8 | message_[at + 1];
            if (jumps == 0) at_ = at + 2;
            if (target >= limit || ++jumps > max_jumps) break;
            at = limit = target;
            end = message_.size();
            continue;
        }
        if (length > 63 || at + 1 + length > end || !add_label(at + 1, length, text, host_name))
            break;
        at += 1 + length;
    }
    bad_ = true;
    return {};
}

std::string not_root(std::string name) { return name == "." ? std::string() : std::move(name); }

void add(DnsMessage& message, DnsRecord record) {
    if (message.answers.size() < max_dns_answers) message.answers.push_back(std::move(record));
}

void add_hints(DnsMessage& message, Cursor& value, bool v4, const DnsRecord& like) {
    while (value.left() > 0) {
        const auto bytes = value.bytes(v4 ? 4 : 16);
        if (value.bad()) return;
        DnsRecord record = like;
        record.address = v4 ? Address::v4(bytes.first<4>()) : Address::v6(bytes.first<16>());
        add(message, std::move(record));
    }
}

// Priority, target, then keys in ascending order, of which two are lists of addresses.
bool read_service(DnsMessage& message, Cursor data, DnsRecord record) {
    constexpr std::uint16_t v4_hint = 4, v6_hint = 6;
    data.u16();
    std::string target = data.name();
    if (data.bad()) return false;
    DnsRecord at_target = record;
    if (target != ".") {
        if (target.empty()) return true;  // no host name: nothing that could be matched
        at_target.owner = target;
        record.target = std::move(target);
        add(message, std::move(record));
    }
    while (data.left() > 0) {
        const auto key = data.u16();
        Cursor value = data.part(data.u16());
        if (data.bad()) return false;
        if (key == v4_hint || key == v6_hint) add_hints(message, value, key == v4_hint, at_target);
        if (value.bad()) return false;
    }
    return true;
}

// What stands in the data of a record of a known type.
bool read_data(DnsMessage& message, Cursor data, DnsRecord record) {
    switch (record.type) {
        case DnsType::a: {
            const auto bytes = data.bytes(4);
            if (data.bad() || data.left() != 0) return false;
            record.address = Address::v4(bytes.first<4>());
            break;
        }
        case DnsType::aaaa: {
            const auto bytes = data.bytes(16);
            if (data.bad() || data.left() != 0) return false;
            record.address = Address::v6(bytes.first<16>());
            break;
        }
        case DnsType::cname:
            record.target = not_root(data.name());
            if (data.bad() || data.left() != 0) return false;
            if (record.target.empty()) return true;
            break;
        case DnsType::svcb:
        case DnsType::https: return read_service(message, data, std::move(record));
    }
    add(message, std::move(record));
    return true;
}

bool is_known(DnsType type) { return type == DnsType::cname || leads_to_address(type); }

bool read_record(DnsMessage& message, Cursor& cursor) {
    DnsRecord record;
    record.owner = not_root(cursor.name());
    record.type = static_cast<DnsType>(cursor.u16());
    const auto its_class = cursor.u16();
    record.ttl = cursor.u32();
    if (record.ttl & 0x80000000u) record.ttl = 0;
    Cursor data = cursor.part(cursor.u16());
    if (cursor.bad()) return false;
    if (its_class != class_in || !is_known(record.type) || record.owner.empty()) return true;
    return read_data(message, data, std::move(record));
}

}  // namespace

bool leads_to_address(DnsType type) {
    switch (type) {
        case DnsType::a:
        case DnsType::aaaa:
        case DnsType::svcb:
        case DnsType::https: return true;
        case DnsType::cname: return false;
    }
    return false;
}

std::optional<DnsMessage> parse_dns(std::span<const std::uint8_t> bytes) {
    if (bytes.size() < header_size) return std::nullopt;
    Cursor cursor(bytes, 0, bytes.size());
    DnsMessage message;
    message.id = cursor.u16();
    const std::uint16_t flags = cursor.u16();
    constexpr std::uint16_t response = 0x8000, opcode = 0x7800, truncated = 0x0200, code = 0x000f;
    message.response = flags & response;
    message.truncated = flags & truncated;
    message.error = static_cast<std::uint8_t>(flags & code);
    const auto questions = cursor.u16();
    const auto answers = cursor.u16();
    cursor.u32();  // records in the other two sections, which are not read
    if ((flags & opcode) != 0 || questions != 1) return std::nullopt;
    message.question.name = not_root(cursor.name());
    message.question.type = static_cast<DnsType>(cursor.u16());
    if (cursor.u16() != class_in || cursor.bad()) return std::nullopt;
    if (!message.response) return message;
    for (unsigned i = 0; i < answers; ++i)
        if (!read_record(message, cursor)) return std::nullopt;
    return message;
}

}  // namespace doorward
