// SPDX-License-Identifier: GPL-2.0-or-later
// The audit database, read: which rows, oldest first.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "fwd/audit_record.hpp"
#include "fwd/audit_verify.hpp"
#include "rules/glob.hpp"
#include "rules/result.hpp"

namespace doorward {

// What a program may be asked for by.
struct AppFilter {
    struct Paths {
        std::vector<std::string> paths;  // any of these
    };
    struct Name {
        std::string name;  // last part of the path: "curl"
    };
    struct NotKnown {
        std::optional<Unknown> reason;  // none: any
    };
    std::variant<Paths, Glob, Name, NotKnown> what;

    // As in a rule's `app` (path, glob, unknown, unknown:reason), and bare names besides.
    static Result<AppFilter> parse(const std::string& text);
};

// One end of a flow.
struct EndFilter {
    std::variant<Prefix, std::string> what;  // addresses, or a host name and all below it

    static Result<EndFilter> parse(const std::string& text);
};

// A text of a row: exactly this, or what a pattern matches.
struct TextFilter {
    std::variant<std::string, Glob> what;

    static Result<TextFilter> parse(const std::string& text);
};

// A row must meet every condition that is there; of a list, one entry.
struct AuditFilter {
    std::optional<AppFilter> app;
    std::vector<Action> verdicts;         // what happened
    bool denied = false;                  // the rules say drop or reject, also where it passed
    std::optional<std::int64_t> since_us; // inclusive
    std::optional<std::int64_t> until_us; // exclusive
    std::optional<EndFilter> to;          // destination of the flow's first packet
    std::optional<EndFilter> from;        // its source
    std::optional<std::uint16_t> port;    // destination port
    std::optional<std::uint32_t> uid;
    std::optional<std::string> user;      // name
    std::optional<std::string> rule;
    std::optional<TextFilter> unit;
    std::optional<TextFilter> container;
    std::optional<TextFilter> script;
    std::optional<std::uint8_t> injected;  // one of these bits of Injections::found
    std::optional<std::uint32_t> pid;
};

// Opens read-only, also for those who may not write to the folder, while the daemon writes or after
// it is gone. Holds no lock between calls. Not thread-safe.
class AuditReader {
public:
    static Result<AuditReader> open(const std::string& path);

    AuditReader(AuditReader&&) noexcept;
    AuditReader& operator=(AuditReader&&) noexcept;
    ~AuditReader();

    // Id of the newest row; 0 if there is none.
    Result<std::int64_t> last_id();

    // The id before the newest `limit` matching rows up to `last`, to be passed to rows() as
    // `after`. 0 if there are no more than that.
    Result<std::int64_t> before_newest(const AuditFilter& filter, std::int64_t last,
                                       std::int64_t limit);

    // Matching rows with after < id <= last in order of id, at most `limit` of them. So a long list
    // is read in pages: a reader that stays in one statement would keep the daemon's -wal growing.
    Result<std::vector<AuditRecord>> rows(const AuditFilter& filter, std::int64_t after,
                                          std::int64_t last, std::int64_t limit);

    // All matching rows there are now, oldest first, page by page. Ends with the first error of `take`.
    Result<void> each_row(const AuditFilter& filter,
                          const std::function<Result<void>(const AuditRecord&)>& take);

    // The chain of all rows, or why it is broken; see verify_chain().
    Result<ChainReport> verify(const std::optional<ChainHead>& sought);

    // True if there may be rows that were not there at the last call: cheap enough to poll. Notices
    // a database that was set aside, and goes over to the new one; `restarted` is then true and ids
    // begin anew.
    Result<bool> changed(bool& restarted);

private:
    struct Impl;
    explicit AuditReader(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace doorward
