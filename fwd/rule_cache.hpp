// SPDX-License-Identifier: GPL-2.0-or-later
// What rule files were read into, kept in memory and on disk, so that only those are parsed again that
// changed.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "fwd/rule_files.hpp"
#include "rules/content.hpp"

namespace doorward {

// Of one thread. A file is known by its path and the SHA-256 of its text: what is kept is used for
// exactly that text, or not at all.
class RuleCache {
public:
    // `file`: where it is kept on disk; empty: nowhere. Nothing is read yet.
    explicit RuleCache(std::string file = {}) : file_(std::move(file)) {}

    // The pack of every file, in their order. The places of rules and of errors have the whole path.
    Result<Ruleset::Packs> parse(const std::vector<RuleFile>& files);

    // Writes what the last parse() came to, if the file on disk says something else. Best called when
    // the rules are in force: nothing depends on it. Errors: the file can't be written.
    Result<void> save();

    std::uint64_t parsed() const { return parsed_; }  // files that had to be, since the start

    // The form on disk: all packs, with the digests of their texts, and one of all of it at the end.
    // Bytes in, entries out; false: this is not ours, or not whole.
    struct Entry {
        Sha256 digest{};
        std::shared_ptr<const RulePack> pack;
    };
    using Entries = std::map<std::string, Entry>;  // by path
    static std::string encode(const Entries& entries);
    static bool decode(std::string_view bytes, Entries& entries);

private:
    void load();

    std::string file_;
    bool loaded_ = false;
    bool changed_ = false;
    Entries entries_;
    std::uint64_t parsed_ = 0;
};

}  // namespace doorward
