// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/audit_verify.hpp"

#include <utility>

#include <fmt/format.h>

#include "fwd/audit_row.hpp"
#include "fwd/chain_base.hpp"

namespace doorward {
namespace {

constexpr int page_rows = 1000;

using Statement = sqlite::Statement;
// An error of SQLite. What is wrong with the log itself is a fault in the report.
using Done = Result<void>;

class Walk {
public:
    Walk(sqlite3* database, const ChainSearch& search, ChainReport& report)
        : queries_(database), search_(search), report_(report) {}

    // Reads on. False: the end is reached, or a fault.
    Result<bool> page();
    void look_for_sought();
    bool damaged() const { return queries_.damaged(); }

private:
    Done start(const ChainBase& base);
    Done skip_to_newest();
    void go_on_from(const ChainBase& base);
    Done take_events();
    void take_event();
    Done take_page();
    void take_row(const Statement& row);
    bool fits(const Statement& link, LinkKind kind, int columns);
    void note_link(const Sha256& hash);
    void fault(std::int64_t row, std::optional<std::int64_t> time_us, std::string what);
    void missing_before(std::int64_t row);
    bool faulty() const { return report_.fault.has_value(); }

    ChainQueries queries_;
    const ChainSearch& search_;
    ChainReport& report_;
    LinkContent content_;
    bool started_ = false;
    bool open_ = false;             // a daemon has begun to write and not yet ended
    std::int64_t end_ = 0;          // the newest row when the walk began
    std::int64_t base_event_ = 0;
    std::int64_t last_event_ = 0;   // the id of the last one that was taken
    std::int64_t skipped_upto_ = -1;  // events behind rows up to this one are gone
    std::optional<Statement> events_;   // stands on the next one
};

void Walk::fault(std::int64_t row, std::optional<std::int64_t> time_us, std::string what) {
    if (!faulty()) report_.fault = ChainFault{row, time_us, std::move(what)};
}

void Walk::missing_before(std::int64_t row) {
    const std::int64_t from = report_.head.row + 1;
    fault(from, std::nullopt, row - from == 1 ? std::string("it is missing")
                                              : fmt::format("it is missing, and so are all up to {}", row - 1));
}

void Walk::go_on_from(const ChainBase& base) {
    base_event_ = base.event;
    report_.head = {base.row, base.before};
    if (base.removed) {
        report_.removed_upto = base.row;
        report_.removed_us = base.time_us;
        skipped_upto_ = base.row;
        last_event_ = 0;
        note_link(base.before);
    } else {
        last_event_ = base.event - 1;
    }
}

// Begins behind a row whose own hash is taken on trust.
Done Walk::skip_to_newest() {
    const std::int64_t row = end_ - search_.newest;
    if (search_.newest == 0 || row <= report_.head.row) return {};
    auto statement = queries_.prepare("SELECT chain FROM decisions WHERE id = ?", {row});
    if (!statement) return std::unexpected(statement.error());
    const auto there = queries_.step(*statement);
    if (!there) return std::unexpected(there.error());
    const auto hash = *there ? stored_hash(*statement, 0) : std::nullopt;
    if (!hash) return fault(row, std::nullopt, "it is missing, or has no hash"), Done{};
    const auto event = queries_.number("SELECT max(id) FROM events WHERE after_id < ?", {row});
    if (!event) return std::unexpected(event.error());
    report_.head = {row, *hash};
    last_event_ = event->value_or(0);
    return {};
}

Done Walk::start(const ChainBase& base) {
    started_ = true;
    const auto end = queries_.number("SELECT max(id) FROM decisions", {});
    if (!end) return std::unexpected(end.error());
    end_ = end->value_or(0);
    const auto before = find_before(queries_, base);
    if (!before) return std::unexpected(before.error());
    if (*before) return report_.fault = *before, Done{};
    const auto older = queries_.number("SELECT count(*) FROM decisions WHERE id <= ?", {base.row});
    if (!older) return std::unexpected(older.error());
    report_.older = older->value_or(0);
    go_on_from(base);
    return skip_to_newest();
}

void Walk::note_link(const Sha256& hash) {
    report_.head.hash = hash;
    if (search_.sought && *search_.sought == report_.head) report_.sought = SoughtHead::found;
}

// The link's own hash stands behind the columns that it is made of.
bool Walk::fits(const Statement& link, LinkKind kind, int columns) {
    content_.begin(report_.head.hash, kind);
    for (int index = 0; index < columns; ++index) content_.column(link, index);
    return stored_hash(link, columns) == content_.hash();
}

void Walk::take_row(const Statement& row) {
    const std::int64_t id = row.column_number(0);
    if (id != report_.head.row + 1) return missing_before(id);
    const int columns = audit_linked_columns();
    if (!fits(row, LinkKind::row, columns))
        return fault(id, row.column_number(1),
                     row.column_is_null(columns) ? "it has no hash"
                                                 : "its hash does not fit: it was changed, or what stood before it");
    report_.head.row = id;
    report_.last_us = row.column_number(1);
    note_link(*stored_hash(row, columns));
    if (report_.rows++ == 0) report_.first = id;
}

void Walk::take_event() {
    const std::int64_t behind = events_->column_number(1);
    const std::string_view kind = events_->column_text(3);
    if (events_->column_number(0) != last_event_ + 1 && last_event_ != 0)
        return fault(behind, events_->column_number(2), "an event behind it is missing");
    if (behind != report_.head.row || !fits(*events_, LinkKind::event, event_column_count))
        return fault(behind, events_->column_number(2),
                     "the hash of an event behind it does not fit");
    note_link(*stored_hash(*events_, event_column_count));
    last_event_ = events_->column_number(0);
    if (kind == chain_event::opened && std::exchange(open_, true)) {
        ++report_.unclean;
        report_.unclean_row = behind;
    }
    if (kind == chain_event::closed) {
        open_ = false;
        report_.unwritten += events_->column_number(5);
    }
}

// All that stand behind the row that was taken last.
Done Walk::take_events() {
    while (events_ && !faulty() && events_->column_number(1) <= report_.head.row) {
        take_event();
        const auto more = queries_.step(*events_);
        if (!more) return std::unexpected(more.error());
        if (!*more) events_.reset();
    }
    return {};
}

Done Walk::take_page() {
    auto rows = queries_.prepare("SELECT " + audit_linked_columns_sql() +
                            ", chain FROM decisions WHERE id > ? ORDER BY id LIMIT ?",
                        {report_.head.row, page_rows});
    if (!rows) return std::unexpected(rows.error());
    for (int taken = 0; !faulty(); ++taken) {
        if (auto done = take_events(); !done) return done;
        if (faulty() || taken == page_rows) return {};
        const auto more = queries_.step(*rows);
        if (!more) return std::unexpected(more.error());
        if (!*more) break;
        take_row(*rows);
    }
    // No row is left, but an event that stood behind one.
    if (events_ && !faulty()) missing_before(events_->column_number(1) + 1);
    return {};
}

Result<bool> Walk::page() {
    auto moment = sqlite::Transaction::begin_reading(queries_.database());
    if (!moment) return std::unexpected(moment.error());
    const auto base = find_chain_base(queries_);
    if (!base) return std::unexpected(base.error());
    if (!*base) return fault(0, std::nullopt, "the beginning of the chain is missing"), false;
    if (!started_) {
        if (auto done = start(**base); !done) return std::unexpected(done.error());
    } else if ((*base)->event != base_event_ && (*base)->row >= report_.head.row) {
        go_on_from(**base);  // the daemon has removed what comes next
    }
    if (faulty()) return false;
    const std::int64_t before = report_.head.row;
    auto events = queries_.prepare(fmt::format("SELECT {}, chain FROM events WHERE id > ? AND after_id > ? ORDER BY id",
                                      event_columns), {last_event_, skipped_upto_});
    if (!events) return std::unexpected(events.error());
    const auto more = queries_.step(*events);
    if (!more) return std::unexpected(more.error());
    if (*more) events_ = std::move(*events);
    const auto done = take_page();
    events_.reset();
    if (!done) return std::unexpected(done.error());
    return !faulty() && report_.head.row < end_ && report_.head.row > before;
}

void Walk::look_for_sought() {
    if (!search_.sought || report_.sought == SoughtHead::found || faulty()) return;
    const ChainHead& sought = *search_.sought;
    if (report_.removed_upto > 0 && sought.row <= report_.removed_upto) {
        report_.sought = SoughtHead::removed;
        return;
    }
    report_.sought = SoughtHead::missing;
    if (sought.row > report_.head.row)
        fault(sought.row, std::nullopt,
              fmt::format("it was noted as the end of the log, which now ends with row {}", report_.head.row));
    else
        fault(sought.row, std::nullopt, "its hash was noted as another");
}

}  // namespace

std::string ChainFault::text() const { return row == 0 ? what : fmt::format("row {}: {}", row, what); }

Result<ChainReport> verify_chain(sqlite3* database, const ChainSearch& search) {
    ChainReport report;
    Walk walk(database, search, report);
    for (;;) {
        const auto more = walk.page();
        if (!more && !walk.damaged()) return std::unexpected(more.error());
        if (!more)
            report.fault = ChainFault{report.head.row + 1, {},
                                      "it, or what is behind it, can't be read: " + more.error().what};
        if (!more || !*more) break;
    }
    walk.look_for_sought();
    return report;
}

}  // namespace doorward
