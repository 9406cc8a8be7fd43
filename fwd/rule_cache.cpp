// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/rule_cache.hpp"

#include <algorithm>
#include <cstring>

#include "fwd/replace_file.hpp"
#include "fwd/text_digest.hpp"
#include "fwd/version.hpp"
#include "rules/rule_pack_codec.hpp"
#include "rules/yaml_rules.hpp"

namespace doorward {
namespace {

constexpr std::size_t largest = std::size_t{512} << 20;

// Another version, or another machine's numbers, and it is not ours.
std::string head() {
    std::string out = "doorward rules\n";
    out += version;
    out += '\n';
    const std::uint32_t order = 0x01020304;
    out.append(reinterpret_cast<const char*>(&order), sizeof order);
    out += static_cast<char>(sizeof(RulePack::PackedRule));
    return out;
}

}  // namespace

std::string RuleCache::encode(const Entries& entries) {
    std::string out = head();
    for (const auto& [path, entry] : entries) {
        out += bytes_of(entry.digest);
        RulePackCodec::append(*entry.pack, out);
    }
    out += bytes_of(digest_of(out));
    return out;
}

bool RuleCache::decode(std::string_view bytes, Entries& entries) {
    const std::string begin = head();
    Sha256 digest{};
    if (bytes.size() < begin.size() + digest.size() || !bytes.starts_with(begin)) return false;
    const std::string_view all = bytes.substr(0, bytes.size() - digest.size());
    if (bytes_of(digest_of(all)) != bytes.substr(all.size())) return false;
    bytes = all.substr(begin.size());
    Entries found;
    while (!bytes.empty()) {
        if (bytes.size() < digest.size()) return false;
        std::memcpy(digest.data(), bytes.data(), digest.size());
        bytes.remove_prefix(digest.size());
        auto pack = RulePackCodec::take(bytes);
        if (!pack) return false;
        const std::string path = pack->file();
        found[path] = {digest, std::move(pack)};
    }
    entries = std::move(found);
    return true;
}

// Nothing is lost by a cache that can't be used, so nothing is said of it.
void RuleCache::load() {
    loaded_ = true;
    if (file_.empty()) return;
    const auto file = read_rule_file(file_, Trust::root, largest);
    if (file && !decode(file->text, entries_)) changed_ = true;
}

Result<Ruleset::Packs> RuleCache::parse(const std::vector<RuleFile>& files) {
    if (!loaded_) load();
    Ruleset::Packs packs;
    Entries entries;
    bool changed = files.size() != entries_.size();
    for (const RuleFile& file : files) {
        const Sha256 digest = digest_of(file.text);
        Entry& entry = entries[file.path];
        const auto known = entries_.find(file.path);
        if (known != entries_.end() && known->second.digest == digest) {
            entry = known->second;
        } else {
            auto pack = parse_rule_pack(file.text, file.path);
            if (!pack) return std::unexpected(pack.error());
            ++parsed_;
            changed = true;
            entry = {digest, std::move(*pack)};
        }
        packs.push_back(entry.pack);
    }
    changed_ = changed_ || changed;
    entries_ = std::move(entries);
    return packs;
}

Result<void> RuleCache::save() {
    if (!changed_ || file_.empty()) return {};
    changed_ = false;
    const auto slash = file_.rfind('/');
    return replace_file(file_.substr(0, slash), file_.substr(slash + 1), encode(entries_),
                        {0600, 0, 0});
}

}  // namespace doorward
