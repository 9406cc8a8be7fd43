// SPDX-License-Identifier: GPL-2.0-or-later
// What is known of an executable's file beyond its path: its digests, and the package it is part of.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace doorward {

using Sha256 = std::array<std::uint8_t, 32>;

std::string to_hex(const Sha256& digest);                     // 64 digits, lower case
std::optional<Sha256> parse_sha256_hex(std::string_view text);  // 64 digits of either case

// What can be found out about a file. Each costs something, so it is asked for only if a rule does.
enum class Fact : std::uint8_t { sha256 = 1, verity = 2, package = 4 };

class Facts {
public:
    constexpr Facts() = default;
    constexpr Facts(std::initializer_list<Fact> facts) {
        for (const Fact fact : facts) add(fact);
    }
    static constexpr Facts all() { return {Fact::sha256, Fact::verity, Fact::package}; }

    constexpr void add(Fact fact) { bits_ |= static_cast<std::uint8_t>(fact); }
    constexpr void add(Facts other) { bits_ |= other.bits_; }
    constexpr bool has(Fact fact) const { return bits_ & static_cast<std::uint8_t>(fact); }
    constexpr bool covers(Facts other) const { return (bits_ & other.bits_) == other.bits_; }
    constexpr Facts without(Facts other) const {
        Facts rest;
        rest.bits_ = bits_ & static_cast<std::uint8_t>(~other.bits_);
        return rest;
    }
    constexpr bool none() const { return bits_ == 0; }
    constexpr bool operator==(const Facts&) const = default;

private:
    std::uint8_t bits_ = 0;
};

// Why a file could not be looked into. Stable names (`no_content_name`), shown by `doorward status`.
enum class NoContent : std::uint8_t {
    none,        // it could
    gone,        // the process has ended, and there is no file at its path
    replaced,    // at the path is another file, or the file was changed since the process ran it
    unreadable,  // opening or reading failed, or it is on no mounted filesystem (memfd)
    remote,      // others answer for its filesystem: they may give other bytes to each reader, or hide
                 // that they changed (network, user space, overlays of a user namespace)
    changed,     // while it was read
    too_large,
    timed_out,   // the answer took longer than a packet may wait
    too_many,    // too many packets or files were waiting already
};
inline constexpr std::size_t no_content_reasons = 9;

std::string_view no_content_name(NoContent reason);  // "gone", "timed-out", …
std::optional<NoContent> parse_no_content(std::string_view text);

// What was found out. A fact that was asked for and is empty is not known, and matches nothing.
struct ExecutableContent {
    Facts asked;
    std::optional<Sha256> sha256;
    std::string verity;   // "sha256:<hex>" or "sha512:<hex>", as `fsverity measure` prints it
    std::string package;  // name, without architecture and version
    NoContent missing = NoContent::none;  // why there is nothing

    bool operator==(const ExecutableContent&) const = default;

    // Asked for, and nothing of it known.
    static ExecutableContent nothing(Facts asked, NoContent why);
};

}  // namespace doorward
