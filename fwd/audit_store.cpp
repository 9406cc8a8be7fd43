// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/audit_store.hpp"

#include <chrono>
#include <ctime>

#include <fmt/format.h>

#include "fwd/audit_file.hpp"
#include "fwd/audit_open.hpp"
#include "fwd/audit_prune.hpp"
#include "fwd/audit_schema.hpp"
#include "fwd/audit_verify.hpp"

namespace doorward {
namespace {

std::string was(std::size_t count) { return count == 1 ? "was" : fmt::format("{} were", count); }

struct Words {
    const char* suffix;  // of the name it is set aside under
    const char* text;
};

Words words_for(Trouble::Kind kind) {
    switch (kind) {
        case Trouble::Kind::newer: return {"newer", "CAN'T BE CONTINUED"};
        case Trouble::Kind::leftover: return {"leftover", "HAD GONE"};
        case Trouble::Kind::damaged:
        case Trouble::Kind::refused: break;
    }
    return {"damaged", "IS DAMAGED"};
}

std::int64_t pragma(sqlite3* database, const std::string& name) {
    return sqlite::number(database, "PRAGMA " + name, "read " + name).value_or(-1);
}

}  // namespace

struct AuditStore::Impl {
    Options options;
    OpenedAudit opened;
    FileIdentity identity;
    bool damaged = false;
    bool said_opened = false;

    sqlite3* database() const { return opened.database.get(); }

    void tell(const std::string& text) const {
        if (options.message) options.message(text);
    }

    // To be called right after a failure, before anything else uses the connection.
    std::unexpected<Error> failed(Error error) {
        damaged = is_audit_damage(sqlite3_extended_errcode(database()));
        return std::unexpected(std::move(error));
    }

    Result<void> open();
    Result<void> set_aside(const Trouble& trouble);
    void close();
    // What `add` adds to the chain, in one transaction.
    Result<void> write(const std::function<Result<void>(AuditWriter&)>& add);
    void check_chain() const;
    std::int64_t used_bytes() const;
};

Result<void> AuditStore::Impl::set_aside(const Trouble& trouble) {
    const auto [suffix, words] = words_for(trouble.kind);
    const auto name = set_aside_audit_file(options.path, suffix, std::time(nullptr));
    if (!name) return std::unexpected(name.error());
    const auto removed = remove_set_aside(options.path, suffix, options.set_aside, *name);
    tell(fmt::format(
        "THE AUDIT LOG {} {} ({}): what was there is now {}, and a new one has been begun{}",
        options.path, words, trouble.error.text(), *name,
        !removed        ? "; " + removed.error().text()
        : *removed == 0 ? ""
                        : fmt::format("; of those set aside before, the oldest {} removed", was(*removed))));
    return {};
}

Result<void> AuditStore::Impl::open() {
    for (int attempt = 0;; ++attempt) {
        if (auto prepared = prepare_audit_file(options.path, options.group); !prepared)
            return prepared;
        auto result = open_audit_file(options.path, options.busy_timeout_ms, options.now_us());
        if (result) {
            opened = std::move(*result);
            break;
        }
        const Trouble& trouble = result.error();
        if (trouble.kind == Trouble::Kind::refused || attempt > 0)
            return fail("the audit log " + options.path + " can't be used: " + trouble.error.what,
                        trouble.error.remedy);
        if (auto moved = set_aside(trouble); !moved) return moved;
    }
    if (opened.migrated)
        tell(fmt::format("the audit log {} was brought to schema version {}", options.path,
                         audit_schema_version));
    identity = identity_of(options.path);
    damaged = said_opened = false;
    check_chain();
    // What can't be written now is written with the first rows.
    (void)write([](AuditWriter&) { return Result<void>{}; });
    return {};
}

// Of a log that is not as it was written every start tells anew. It goes on all the same: what is decided
// now must not be lost because of what was done to the past.
void AuditStore::Impl::check_chain() const {
    const auto report = verify_chain(database(), {.sought = {}, .newest = options.checked_rows});
    if (report && !report->fault) return;
    tell(fmt::format("THE AUDIT LOG {} IS NOT AS IT WAS WRITTEN ({}): it is continued; see `doorward log verify`",
                     options.path, report ? report->fault->text() : report.error().text()));
}

Result<void> AuditStore::Impl::write(const std::function<Result<void>(AuditWriter&)>& add) {
    if (!opened.database) return fail("the audit log is not open");
    AuditWriter& writer = opened.writer;
    auto transaction = sqlite::Transaction::begin(database());
    if (!transaction) return failed(transaction.error());
    const auto former = writer.begin();
    if (!former) return failed(former.error());
    if (*former)
        tell(fmt::format("THE AUDIT LOG {} WAS CHANGED BY ANOTHER HAND: it ended with {}, and now with {}: it is "
                         "continued; see `doorward log verify`",
                         options.path, to_text(**former), to_text(writer.head())));
    Result<void> done;
    if (!said_opened) done = writer.event(chain_event::opened, options.now_us());
    if (done) done = add(writer);
    if (!done) return failed(done.error());
    if (auto committed = transaction->commit(); !committed) return failed(committed.error());
    writer.committed();
    said_opened = true;
    return {};
}

void AuditStore::Impl::close() {
    opened.writer = {};
    // Fails while a reader has the file open; the next clean stop does it then.
    if (opened.database && !damaged)
        sqlite3_exec(database(), "PRAGMA journal_mode = DELETE", nullptr, nullptr, nullptr);
    opened.database.reset();
}

std::int64_t AuditStore::Impl::used_bytes() const {
    const std::int64_t pages = pragma(database(), "page_count");
    const std::int64_t free = pragma(database(), "freelist_count");
    const std::int64_t size = pragma(database(), "page_size");
    return pages < 0 || free < 0 || size < 0 ? -1 : (pages - free) * size;
}

std::int64_t AuditStore::wall_clock_us() {
    using namespace std::chrono;
    return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

AuditStore::AuditStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AuditStore::AuditStore(AuditStore&&) noexcept = default;
AuditStore& AuditStore::operator=(AuditStore&&) noexcept = default;

AuditStore::~AuditStore() {
    if (impl_) impl_->close();
}

Result<AuditStore> AuditStore::open(Options options) {
    auto impl = std::make_unique<Impl>();
    impl->options = std::move(options);
    if (auto opened = impl->open(); !opened) return std::unexpected(opened.error());
    return AuditStore(std::move(impl));
}

Result<void> AuditStore::insert(std::span<const AuditRecord> records) {
    return impl_->write([&](AuditWriter& writer) { return writer.rows(records); });
}

Result<void> AuditStore::say_closed(std::int64_t unwritten) {
    return impl_->write([&](AuditWriter& writer) {
        return writer.event(chain_event::closed, impl_->options.now_us(), unwritten);
    });
}

Result<bool> AuditStore::prune(const Retention& retention, std::int64_t now_us) {
    if (!impl_->opened.database) return fail("the audit log is not open");
    constexpr std::int64_t day_us = 86'400'000'000;
    const std::int64_t cutoff = now_us - static_cast<std::int64_t>(retention.days) * day_us;
    const bool over = used_bytes() > static_cast<std::int64_t>(retention.megabytes) << 20;
    sqlite3* database = impl_->database();
    auto last = last_outdated_row(database, cutoff, now_us);
    if (last && *last == 0 && over) last = last_row_of_chunk(database);
    if (!last) return impl_->failed(last.error());
    bool removed = false;
    if (*last > 0) {
        const auto done = impl_->write([&](AuditWriter& writer) -> Result<void> {
            const auto rows = writer.remove(*last, now_us);
            if (!rows) return std::unexpected(rows.error());
            removed = *rows > 0;
            return {};
        });
        if (!done) return std::unexpected(done.error());
    }
    const auto shrunk = shrink(database);
    if (!shrunk) return impl_->failed(shrunk.error());
    return removed || *shrunk;
}

Result<ChainHead> AuditStore::anchor() {
    if (!impl_->opened.database) return fail("the audit log is not open");
    auto known = impl_->opened.writer.known();
    if (!known) return fail("nothing has been written to the audit log yet");
    // What is told must be on the disk: a power failure may take rows, but none that were vouched for.
    if (sqlite3_wal_checkpoint_v2(impl_->database(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr) != SQLITE_OK)
        return std::unexpected(sqlite::error_of(impl_->database(), "write the audit log to the disk"));
    return *known;
}

bool AuditStore::lost_its_file() const {
    return identity_of(impl_->options.path) != impl_->identity;
}

bool AuditStore::damaged() const {
    return impl_->damaged;
}

Result<void> AuditStore::reopen() {
    const bool damaged = impl_->damaged;
    impl_->close();
    if (damaged) {
        const Trouble trouble{Trouble::Kind::damaged, {"found while writing", {}, {}}};
        if (auto moved = impl_->set_aside(trouble); !moved) return moved;
        impl_->damaged = false;
    }
    return impl_->open();
}

std::int64_t AuditStore::used_bytes() const {
    return impl_->opened.database ? impl_->used_bytes() : -1;
}

}  // namespace doorward
