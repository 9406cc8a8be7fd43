// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/rule_step.hpp"

#include <algorithm>
#include <map>

#include <nlohmann/json.hpp>

#include "fwd/text_digest.hpp"

namespace doorward {
namespace {

using nlohmann::json;

constexpr int form = 1;

std::string name_of(const RuleFile& file) { return file.path.substr(file.path.rfind('/') + 1); }

bool same(const RuleFile& a, const RuleFile& b) {
    return a.text == b.text && a.mode == b.mode && a.owner == b.owner && a.group == b.group;
}

// Texts and names may be any bytes, which JSON proper could not hold.
json bytes(std::string_view text) { return json::binary({text.begin(), text.end()}); }

std::string text_of(const json& value) {
    const auto& binary = value.get_binary();
    return {binary.begin(), binary.end()};
}

json file_to_json(const RuleStep::File& file) {
    json object{{"name", bytes(file.name)}, {"before", nullptr}, {"after", nullptr}};
    if (file.before)
        object["before"] = {{"text", bytes(file.before->text)}, {"mode", file.before->mode},
                            {"owner", file.before->owner}, {"group", file.before->group}};
    if (file.after) object["after"] = bytes(bytes_of(*file.after));
    return object;
}

RuleStep::File file_from_json(const json& object) {
    RuleStep::File file;
    file.name = text_of(object.at("name"));
    // The name becomes a path.
    if (!is_rule_file_name(file.name)) throw std::invalid_argument("name");
    if (const json& before = object.at("before"); !before.is_null())
        file.before = RuleFile{file.name, text_of(before.at("text")),
                               before.at("mode").get<mode_t>() & 07777u,
                               before.at("owner").get<uid_t>(), before.at("group").get<gid_t>()};
    if (const json& after = object.at("after"); !after.is_null()) {
        const std::string digest = text_of(after);
        file.after.emplace();
        if (digest.size() != file.after->size()) throw std::invalid_argument("after");
        std::ranges::copy(digest, file.after->begin());
    }
    return file;
}

}  // namespace

std::vector<FileChange> changes_between(const std::vector<RuleFile>& before,
                                        const std::vector<RuleFile>& after) {
    std::map<std::string, FileChange> all;
    for (const RuleFile& file : before) all[name_of(file)].before = file;
    for (const RuleFile& file : after) all[name_of(file)].after = file;
    std::vector<FileChange> changes;
    for (auto& [name, change] : all) {
        if (change.before && change.after && same(*change.before, *change.after)) continue;
        change.name = name;
        changes.push_back(std::move(change));
    }
    return changes;
}

std::vector<RuleFile> with_changes(std::vector<RuleFile> files,
                                   const std::vector<FileChange>& changes,
                                   const std::string& folder) {
    for (const FileChange& change : changes) {
        const std::string path = folder + "/" + change.name;
        std::erase_if(files, [&](const RuleFile& file) { return file.path == path; });
        if (!change.after) continue;
        files.push_back(*change.after);
        files.back().path = path;
    }
    std::ranges::sort(files, {}, &RuleFile::path);
    return files;
}

RuleStep step_of(std::string what, bool taken_back, const std::vector<FileChange>& changes) {
    RuleStep step{std::move(what), taken_back, {}};
    for (const FileChange& change : changes) {
        step.files.push_back({change.name, change.before, {}});
        if (change.before) step.files.back().before->path = change.name;
        if (change.after) step.files.back().after = digest_of(change.after->text);
    }
    return step;
}

Result<std::vector<FileChange>> backwards(const RuleStep& step, const std::vector<RuleFile>& now,
                                          const std::string& folder) {
    std::vector<FileChange> changes;
    for (const RuleStep::File& file : step.files) {
        const std::string path = folder + "/" + file.name;
        const auto found = std::ranges::find(now, path, &RuleFile::path);
        const bool there = found != now.end();
        if (there != file.after.has_value() || (there && digest_of(found->text) != *file.after))
            return fail(path + " is not any more as the last command left it",
                        "taking that back would lose what was changed since: do it by hand");
        changes.push_back({file.name, there ? std::optional(*found) : std::nullopt, file.before});
    }
    return changes;
}

std::string encode_step(const RuleStep& step) {
    json files = json::array();
    for (const auto& file : step.files) files.push_back(file_to_json(file));
    std::string body;
    json::to_cbor({{"form", form}, {"what", bytes(step.what)}, {"taken_back", step.taken_back},
                   {"files", std::move(files)}},
                  body);
    return std::string(bytes_of(digest_of(body))) + body;
}

std::optional<RuleStep> decode_step(std::string_view text) {
    constexpr std::size_t head = sizeof(Sha256);
    if (text.size() < head || bytes_of(digest_of(text.substr(head))) != text.substr(0, head))
        return std::nullopt;
    return decode_step_body(text.substr(head));
}

std::optional<RuleStep> decode_step_body(std::string_view body) {
    try {
        const json object = json::from_cbor(body);
        if (object.at("form") != form) return std::nullopt;
        RuleStep step{text_of(object.at("what")), object.at("taken_back").get<bool>(), {}};
        for (const json& file : object.at("files")) step.files.push_back(file_from_json(file));
        return step;
    } catch (const std::exception&) {
        return std::nullopt;
    }
}

}  // namespace doorward
