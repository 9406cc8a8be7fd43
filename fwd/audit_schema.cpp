// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/audit_schema.hpp"

#include <array>

#include <fmt/format.h>

namespace doorward {
namespace {

// Step n makes version n of version n-1. A step that has been released is never changed: a new
// version is a new step at the end.
//
// The comments inside CREATE TABLE are kept by SQLite, so that `.schema` explains the columns.
constexpr std::array<const char*, audit_schema_version> steps{
    R"sql(
CREATE TABLE decisions (
    id                INTEGER PRIMARY KEY,  -- rises; never used twice
    time_us           INTEGER NOT NULL,     -- microseconds since 1970, UTC
    verdict           TEXT NOT NULL,        -- what happened: accept, drop, reject
    decision          TEXT NOT NULL,        -- of the rules; not the verdict in observe mode
    rule              TEXT NOT NULL,        -- '': the default decided
    reason            TEXT NOT NULL,        -- rule, default-out, default-in, audit-loss, ...
    direction         TEXT NOT NULL,        -- out: this host opened the flow; in: the other side
    protocol          TEXT NOT NULL,        -- name, or number in decimal
    source            TEXT NOT NULL,
    source_port       INTEGER NOT NULL,     -- ICMP echo: the identifier
    destination       TEXT NOT NULL,
    destination_port  INTEGER NOT NULL,
    source_ip         BLOB,                 -- 16 bytes, IPv4 as ::ffff:a.b.c.d: prefixes are ranges
    destination_ip    BLOB,
    host              TEXT NOT NULL,        -- name of the remote, '' if not known
    unknown           TEXT NOT NULL,        -- why the process is not known; '': it is
    pid               INTEGER,              -- NULL: not known, as are the columns up to cgroup_id
    start_ns          INTEGER,              -- CLOCK_BOOTTIME when it was forked
    exec_id           INTEGER,              -- counts its execs
    uid               INTEGER,
    user              TEXT NOT NULL,
    exe               TEXT NOT NULL,        -- bytes that are no UTF-8, and control characters: \xHH
    exe_device        INTEGER,              -- the kernel's s_dev
    exe_inode         INTEGER,
    command_line      TEXT NOT NULL,        -- chosen by the process
    working_directory TEXT NOT NULL,
    parent_pid        INTEGER,
    parent_exe        TEXT NOT NULL,
    cgroup_id         INTEGER,
    unit              TEXT NOT NULL,        -- systemd unit
    attribution       TEXT NOT NULL,        -- how the process was found
    latency_ns        INTEGER,              -- from the hook to the verdict
    log               TEXT NOT NULL         -- audit, or journal: also a line there
);
-- Each index ends in id by itself, so all of them also give "newest first".
CREATE INDEX decisions_by_time ON decisions(time_us);
CREATE INDEX decisions_by_app ON decisions(exe);
CREATE INDEX decisions_by_destination ON decisions(destination_ip);
CREATE INDEX decisions_denied ON decisions(id) WHERE decision <> 'accept';
)sql",
    R"sql(
ALTER TABLE decisions
    ADD COLUMN count INTEGER NOT NULL DEFAULT 1;  -- decisions alike; sum(count) is all verdicts
)sql",
    R"sql(
ALTER TABLE decisions
    ADD COLUMN gid INTEGER;                       -- real gid
ALTER TABLE decisions
    ADD COLUMN slice TEXT NOT NULL DEFAULT '';    -- systemd slice; user:… below a user's manager
ALTER TABLE decisions
    ADD COLUMN container TEXT NOT NULL DEFAULT '';  -- RUNTIME:NAME; user:… if not root's
ALTER TABLE decisions
    ADD COLUMN script TEXT NOT NULL DEFAULT '';   -- what an interpreter was started to run
ALTER TABLE decisions
    ADD COLUMN ancestors TEXT NOT NULL DEFAULT '';  -- one a line: its parent's executable first
ALTER TABLE decisions
    ADD COLUMN mount_namespace INTEGER;           -- whose paths these are; as in /proc/PID/ns/mnt
)sql",
    R"sql(
ALTER TABLE decisions
    ADD COLUMN sha256 TEXT NOT NULL DEFAULT '';   -- of the executable; '': no rule asked, or unread
ALTER TABLE decisions
    ADD COLUMN package TEXT NOT NULL DEFAULT '';  -- that owns it; '': the same, or none does
ALTER TABLE decisions
    ADD COLUMN unread TEXT NOT NULL DEFAULT '';   -- why the executable could not be read
)sql",
    R"sql(
ALTER TABLE decisions
    ADD COLUMN appimage TEXT NOT NULL DEFAULT ''; -- its own path, if exe lies in the mount of one
CREATE INDEX decisions_by_appimage ON decisions(appimage) WHERE appimage <> '';
)sql",
    R"sql(
ALTER TABLE decisions
    ADD COLUMN script_device INTEGER;             -- of the file at that path when it first sent, as
ALTER TABLE decisions
    ADD COLUMN script_inode INTEGER;              -- stat shows them; NULL: not known
)sql",
    // What a decision looked at, so that it can be made again.
    R"sql(
ALTER TABLE decisions
    ADD COLUMN interface TEXT;                    -- NULL, as all below: of a version without them
ALTER TABLE decisions
    ADD COLUMN names TEXT;                        -- of the remote, one a line, newest first
ALTER TABLE decisions
    ADD COLUMN units TEXT;                        -- one a line, innermost last; NULL: not known
ALTER TABLE decisions
    ADD COLUMN slices TEXT;                       -- the same
ALTER TABLE decisions
    ADD COLUMN ancestors_whole INTEGER;           -- 1: there are no more than these
ALTER TABLE decisions
    ADD COLUMN asked TEXT;                        -- sha256, verity, package: one a line
ALTER TABLE decisions
    ADD COLUMN verity TEXT;                       -- fs-verity digest of the executable
)sql",
    // Rows that are there already get no hash: to write each of them anew would keep the firewall waiting.
    R"sql(
ALTER TABLE decisions
    ADD COLUMN chain BLOB;             -- SHA-256 over the row and the link before; NULL: older than the chain
CREATE TABLE events (
    id       INTEGER PRIMARY KEY,      -- rises by one
    after_id INTEGER NOT NULL,         -- the decision behind which it stands in the chain
    time_us  INTEGER NOT NULL,
    kind     TEXT NOT NULL,            -- begun, opened, closed, removed
    upto     INTEGER,                  -- removed: the last row that is gone
    rows     INTEGER,                  -- removed: how many went; closed: flows that could not be written
    base     BLOB,                     -- removed: the hash before the first link that is left; begun: random
    chain    BLOB NOT NULL             -- SHA-256 over the event and the link before
);
)sql",
    R"sql(
ALTER TABLE decisions
    ADD COLUMN injected TEXT;          -- preload, library-path, tracer; ? behind what can't be said. NULL: nothing can
)sql",
};

}  // namespace

Result<AuditFile> classify_audit_file(sqlite3* database) {
    const auto tables =
        sqlite::number(database, "SELECT count(*) FROM sqlite_schema", "read the list of tables");
    if (!tables) return std::unexpected(tables.error());
    const auto version = sqlite::number(database, "PRAGMA user_version", "read the schema version");
    if (!version) return std::unexpected(version.error());
    const auto application =
        sqlite::number(database, "PRAGMA application_id", "read the application id");
    if (!application) return std::unexpected(application.error());

    if (*tables == 0 && *version == 0 && *application == 0) return AuditFile::empty;
    if (*application != audit_application_id) return AuditFile::foreign;
    if (*version > audit_schema_version) return AuditFile::newer;
    return *version == audit_schema_version ? AuditFile::current : AuditFile::older;
}

Result<void> migrate_audit_file(sqlite3* database, std::int64_t version) {
    const auto present = sqlite::number(database, "PRAGMA user_version", "read the schema version");
    if (!present) return std::unexpected(present.error());
    for (std::int64_t next = *present + 1; next <= version; ++next) {
        const std::string sql =
            fmt::format("{}; PRAGMA user_version = {}; PRAGMA application_id = {}",
                        steps.at(next - 1), next, audit_application_id);
        const std::string operation = fmt::format("bring the audit log to schema version {}", next);
        if (auto done = sqlite::run(database, sql, operation); !done) return done;
    }
    return {};
}

}  // namespace doorward
