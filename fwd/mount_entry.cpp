// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/mount_entry.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace doorward {
namespace {

constexpr int device_field = 3;  // counted from 1, after "id parent"
constexpr unsigned minor_bits = 20;

std::string_view take_until(std::string_view& text, char separator) {
    const std::size_t end = text.find(separator);
    const std::string_view taken = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return taken;
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::optional<std::uint64_t> parse_device(std::string_view text) {
    const auto major = parse_number(take_until(text, ':'));
    const auto minor = parse_number(text);
    if (!major || !minor || *minor >> minor_bits != 0 || *major >> 12 != 0) return std::nullopt;
    return *major << minor_bits | *minor;
}

// "36 35 98:0 /root /where options [tags…] - type source options". Blanks inside are escaped.
std::optional<MountEntry> parse_line(std::string_view line) {
    std::string_view device;
    for (int field = 1; field <= device_field; ++field) device = take_until(line, ' ');
    const auto number = parse_device(device);
    const std::size_t dash = line.find(" - ");
    if (!number || dash == std::string_view::npos) return std::nullopt;
    line.remove_prefix(dash + 3);
    const std::string_view type = take_until(line, ' ');
    if (type.empty()) return std::nullopt;
    return MountEntry{*number, std::string(type)};
}

}  // namespace

std::optional<MountEntry> find_mount(std::string_view mountinfo, std::uint64_t id) {
    while (!mountinfo.empty()) {
        const std::string_view line = take_until(mountinfo, '\n');
        if (parse_number(line.substr(0, line.find(' '))) == id) return parse_line(line);
    }
    return std::nullopt;
}

std::optional<std::uint64_t> parse_mount_id(std::string_view fdinfo) {
    constexpr std::string_view key = "mnt_id:\t";
    while (!fdinfo.empty()) {
        const std::string_view line = take_until(fdinfo, '\n');
        if (line.starts_with(key)) return parse_number(line.substr(key.size()));
    }
    return std::nullopt;
}

bool is_trusted_filesystem(std::string_view type) {
    constexpr std::array<std::string_view, 21> names{
        "ext2",  "ext3",   "ext4",  "xfs",     "btrfs",    "bcachefs", "f2fs",
        "zfs",   "jfs",    "nilfs2", "ubifs",  "tmpfs",    "devtmpfs", "ramfs",
        "rootfs", "overlay", "squashfs", "erofs", "cramfs", "romfs",   "iso9660"};
    return std::ranges::find(names, type) != names.end();
}

}  // namespace doorward
