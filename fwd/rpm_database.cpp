// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/rpm_database.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>

#include <sys/stat.h>

#include "fwd/sqlite.hpp"
#include "rules/rpm_header.hpp"

namespace doorward {
namespace {

constexpr const char* places[] = {"/usr/lib/sysimage/rpm/rpmdb.sqlite", "/var/lib/rpm/rpmdb.sqlite"};
constexpr int longest_header = 64 << 20;
constexpr int busy_timeout_ms = 200;

// A basename alone says little ("main"), so many packages may have it; few have 10,000 files of one.
constexpr const char* question =
    "SELECT f.idx, p.blob FROM Basenames f JOIN Packages p ON p.hnum = f.hnum "
    "WHERE f.key = ? ORDER BY f.hnum, f.idx LIMIT 10000";

bool there(const std::string& path) {
    std::error_code error;
    return std::filesystem::exists(path, error);
}

struct Stamp {
    std::uint64_t inode = 0;
    std::int64_t size = 0, seconds = 0, nanoseconds = 0;
    bool operator==(const Stamp&) const = default;
};

std::optional<Stamp> stamp_of(const std::string& path) {
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return std::nullopt;
    return Stamp{status.st_ino, status.st_size, status.st_ctim.tv_sec, status.st_ctim.tv_nsec};
}

// A path as part of a URI.
std::string quoted(const std::string& path) {
    std::string text;
    for (const char c : path) {
        if (c == '%' || c == '?' || c == '#') {
            constexpr char digits[] = "0123456789abcdef";
            text += {'%', digits[static_cast<unsigned char>(c) >> 4], digits[c & 15]};
        } else {
            text += c;
        }
    }
    return text;
}

// rpm writes to a log beside the file, with an index to it that all who have the database open share.
// Where the index is, it is read like everybody does, but never written to. Where it is not, nobody
// writes either, and the file can be read as if it could not change: SQLite would make an index else.
// Whoever begins to write meanwhile is noticed afterwards.
enum class Way { shared, alone };

std::optional<std::string> ask(const std::string& file, Way way, const std::vector<std::string>& names) {
    const std::string uri = "file:" + quoted(file) +
                            (way == Way::shared ? "?mode=ro&readonly_shm=1" : "?mode=ro&immutable=1");
    auto database = sqlite::open(uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, busy_timeout_ms);
    if (!database) return std::nullopt;
    sqlite3_limit(database->get(), SQLITE_LIMIT_LENGTH, longest_header);
    auto statement = sqlite::Statement::prepare(database->get(), question, "ask for a file's package");
    if (!statement) return std::nullopt;
    const std::string base = names.front().substr(names.front().rfind('/') + 1);
    statement->text(1, base);
    for (;;) {
        const auto row = statement->step();
        if (!row) return std::nullopt;
        if (!*row) return std::string();
        const auto header = RpmHeader::parse(statement->column_blob(1));
        const auto number = statement->column_number(0);
        if (!header || number < 0 || number >= header->files()) continue;
        const std::string path = header->installed_path(static_cast<std::uint32_t>(number));
        if (!path.empty() && std::ranges::find(names, path) != names.end())
            return std::string(header->name());
    }
}

std::string owner_by(const std::string& file, const std::vector<std::string>& names) {
    if (there(file + "-shm")) return ask(file, Way::shared, names).value_or("");
    const auto before = stamp_of(file);
    const auto log = stamp_of(file + "-wal");
    if (!before || (log && log->size > 0)) return {};  // what a writer left who did not end well
    const auto owner = ask(file, Way::alone, names);
    const bool unchanged = stamp_of(file) == before && !there(file + "-shm");
    return owner && unchanged ? *owner : std::string();
}

}  // namespace

std::string RpmDatabase::owner(const std::vector<std::string>& names) const {
    if (names.empty() || !names.front().starts_with('/') || names.front().ends_with('/')) return {};
    for (const char* place : places)
        if (stamp_of(root_ + place)) return owner_by(root_ + place, names);
    return {};
}

}  // namespace doorward
