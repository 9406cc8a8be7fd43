// SPDX-License-Identifier: GPL-2.0-or-later
// The header of an installed package, as rpm's database keeps it: its name and its files.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace doorward {

// Looks into bytes that the caller keeps. Numbers in them are big-endian: how many entries and bytes of
// data there are, then the entries (tag, type, offset, count), then the data.
class RpmHeader {
public:
    // Nothing if the bytes contradict themselves, or what is asked for below is not of its type.
    static std::optional<RpmHeader> parse(std::span<const std::uint8_t> bytes);

    std::string_view name() const { return name_; }
    std::uint32_t files() const { return basenames_.count; }

    // The absolute path of a file, numbered from 0. Empty where this package has not put it there: there
    // is no such file, it was not installed, another package's has replaced it, or the package only
    // lays claim to the path (%ghost).
    std::string installed_path(std::uint32_t number) const;

private:
    struct Tag {
        std::uint32_t type = 0, count = 0;
        std::span<const std::uint8_t> data;  // from its first byte to the end of all data

        bool numbers(std::uint32_t of_type, std::size_t size, std::uint32_t wanted) const;
    };

    RpmHeader() = default;
    Tag* tag_of(std::uint32_t number);
    bool consistent() const;
    bool present(std::uint32_t number) const;
    static std::optional<std::string_view> text(const Tag& tag, std::uint32_t number);

    Tag name_tag_, dir_indexes_, basenames_, dirnames_, states_, flags_;
    std::string_view name_;
};

}  // namespace doorward
