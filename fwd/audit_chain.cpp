// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/audit_chain.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "fwd/text_digest.hpp"

namespace doorward {
namespace {

void append_big_endian(std::string& to, std::uint64_t value) {
    for (int shift = 56; shift >= 0; shift -= 8) to += static_cast<char>(value >> shift & 0xff);
}

std::string_view as_text(std::span<const std::uint8_t> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

void LinkContent::begin(const Sha256& before, LinkKind kind) {
    content_.assign(bytes_of(before));
    content_ += static_cast<char>(kind);
    column_ = 0;
}

void LinkContent::number(std::int64_t value) {
    content_ += static_cast<char>(column_++);
    content_ += 'n';
    append_big_endian(content_, static_cast<std::uint64_t>(value));
}

// With its length, so that no two lists of values make the same bytes.
void LinkContent::bytes(char type, std::string_view value) {
    content_ += static_cast<char>(column_++);
    content_ += type;
    append_big_endian(content_, value.size());
    content_ += value;
}

void LinkContent::text(std::string_view value) { bytes('t', value); }

void LinkContent::blob(std::span<const std::uint8_t> value) { bytes('b', as_text(value)); }

void LinkContent::column(const sqlite::Statement& statement, int index) {
    switch (statement.column_type(index)) {
        case SQLITE_NULL: return null();
        case SQLITE_INTEGER: return number(statement.column_number(index));
        case SQLITE_TEXT: return text(statement.column_text(index));
        case SQLITE_BLOB: return blob(statement.column_blob(index));
        default: return bytes('f', statement.column_text(index));  // nothing of ours
    }
}

Sha256 LinkContent::hash() const { return digest_of(content_); }

std::string to_text(const ChainHead& head) { return fmt::format("{}:{}", head.row, to_hex(head.hash)); }

Result<ChainHead> parse_chain_head(const std::string& text) {
    const std::size_t colon = text.find(':');
    const auto hash = colon == std::string::npos ? std::nullopt : parse_sha256_hex(text.substr(colon + 1));
    ChainHead head;
    const char* end = text.data() + std::min(colon, text.size());
    const auto [stop, error] = std::from_chars(text.data(), end, head.row);
    if (!hash || error != std::errc{} || stop != end || head.row < 0)
        return fail("\"" + text + "\" is no end of a chain",
                    "write ROW:HASH as the daemon or `log verify` said it: a number, a colon, 64 hex digits");
    head.hash = *hash;
    return head;
}

std::optional<Sha256> stored_hash(const sqlite::Statement& statement, int index) {
    Sha256 hash;
    const auto blob = statement.column_blob(index);
    if (statement.column_type(index) != SQLITE_BLOB || blob.size() != hash.size()) return std::nullopt;
    std::ranges::copy(blob, hash.begin());
    return hash;
}

}  // namespace doorward
