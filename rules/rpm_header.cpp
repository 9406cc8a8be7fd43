// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/rpm_header.hpp"

#include <cstring>

namespace doorward {
namespace {

constexpr std::size_t most_entries = 65535, entry_size = 16, start_size = 8;

enum Type : std::uint32_t { type_char = 1, type_int32 = 4, type_string = 6, type_strings = 8 };

constexpr std::uint32_t ghost = 1 << 6;  // of a file's flags

std::uint32_t number_at(std::span<const std::uint8_t> bytes, std::size_t at) {
    std::uint32_t number = 0;
    for (std::size_t i = 0; i < 4; ++i) number = number << 8 | bytes[at + i];
    return number;
}

}  // namespace

// Absent is consistent, too.
bool RpmHeader::Tag::numbers(std::uint32_t of_type, std::size_t size, std::uint32_t wanted) const {
    return type == 0 || (type == of_type && count == wanted && data.size() / size >= count);
}

RpmHeader::Tag* RpmHeader::tag_of(std::uint32_t number) {
    switch (number) {
        case 1000: return &name_tag_;
        case 1029: return &states_;
        case 1037: return &flags_;
        case 1116: return &dir_indexes_;
        case 1117: return &basenames_;
        case 1118: return &dirnames_;
        default: return nullptr;
    }
}

std::optional<RpmHeader> RpmHeader::parse(std::span<const std::uint8_t> bytes) {
    if (bytes.size() < start_size) return std::nullopt;
    const std::size_t entries = number_at(bytes, 0), data_size = number_at(bytes, 4);
    if (entries > most_entries || bytes.size() != start_size + entries * entry_size + data_size)
        return std::nullopt;
    const auto data = bytes.last(data_size);
    RpmHeader header;
    for (std::size_t i = 0; i < entries; ++i) {
        const auto entry = bytes.subspan(start_size + i * entry_size, entry_size);
        Tag* tag = header.tag_of(number_at(entry, 0));
        if (tag == nullptr) continue;
        const std::size_t offset = number_at(entry, 8);
        if (tag->type != 0 || offset > data_size) return std::nullopt;
        *tag = {number_at(entry, 4), number_at(entry, 12), data.subspan(offset)};
        if (tag->type == 0) return std::nullopt;
    }
    if (!header.consistent()) return std::nullopt;
    header.name_ = text(header.name_tag_, 0).value_or("");
    return header.name_.empty() ? std::nullopt : std::optional(header);
}

bool RpmHeader::consistent() const {
    const std::uint32_t count = basenames_.count;
    if (name_tag_.type != type_string) return false;
    if (count > 0 && (basenames_.type != type_strings || dirnames_.type != type_strings ||
                      dir_indexes_.type != type_int32))
        return false;
    return dir_indexes_.numbers(type_int32, 4, count) && flags_.numbers(type_int32, 4, count) &&
           states_.numbers(type_char, 1, count);
}

std::optional<std::string_view> RpmHeader::text(const Tag& tag, std::uint32_t number) {
    if (number >= tag.count) return std::nullopt;
    auto rest = tag.data;
    for (std::uint32_t i = 0;; ++i) {
        const void* end = rest.empty() ? nullptr : std::memchr(rest.data(), 0, rest.size());
        if (end == nullptr) return std::nullopt;
        const auto size = static_cast<std::size_t>(static_cast<const std::uint8_t*>(end) - rest.data());
        if (i == number) return std::string_view(reinterpret_cast<const char*>(rest.data()), size);
        rest = rest.subspan(size + 1);
    }
}

bool RpmHeader::present(std::uint32_t number) const {
    if (states_.type != 0 && states_.data[number] != 0) return false;
    return flags_.type == 0 || (number_at(flags_.data, std::size_t{number} * 4) & ghost) == 0;
}

std::string RpmHeader::installed_path(std::uint32_t number) const {
    if (number >= files() || !present(number)) return {};
    const auto folder = text(dirnames_, number_at(dir_indexes_.data, std::size_t{number} * 4));
    const auto name = text(basenames_, number);
    if (!folder || !folder->starts_with('/') || !folder->ends_with('/')) return {};
    if (!name || name->empty() || name->contains('/')) return {};
    return std::string(*folder).append(*name);
}

}  // namespace doorward
