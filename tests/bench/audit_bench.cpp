// SPDX-License-Identifier: GPL-2.0-or-later
// What a row of the audit log costs: processor time to write it, of that its hash, and to verify it.
//
// usage: audit-bench [ROWS [FOLDER]]     (default 200000, in /dev/shm)
#include <cstdlib>
#include <ctime>
#include <filesystem>

#include <fmt/format.h>

#include "fwd/audit_query.hpp"
#include "fwd/audit_store.hpp"

using namespace doorward;

namespace {

constexpr std::size_t batch_rows = 500;

double now() {
    timespec time{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

AuditRecord record(std::size_t number) {
    AuditRecord row;
    row.time_us = 1'800'000'000'000'000 + static_cast<std::int64_t>(number) * 100;
    row.verdict = row.decision = Action::accept;
    row.rule = "allow-web";
    row.reason = "rule";
    row.protocol = Protocol::tcp;
    row.local = *Address::parse("10.1.0.1");
    row.remote = *Address::parse(fmt::format("203.0.{}.{}", number / 250 % 250, number % 250));
    row.local_port = static_cast<std::uint16_t>(32768 + number % 28000);
    row.remote_port = 443;
    row.host = "www.example.org";
    row.pid = static_cast<std::uint32_t>(1000 + number % 30000);
    row.start_ns = 123'456'789'012 + number;
    row.exec_id = 2;
    row.uid = row.gid = 1000;
    row.user = "alice";
    row.exe = "/usr/lib/firefox-esr/firefox-esr";
    row.exe_device = 0xfe00001;
    row.exe_inode = 4711 + number % 50;
    row.command_line = "/usr/lib/firefox-esr/firefox-esr -contentproc -childID 3";
    row.working_directory = "/home/alice";
    row.parent_pid = 999;
    row.parent_exe = "/usr/bin/gnome-shell";
    row.cgroup_id = 77;
    row.unit = "user:app-gnome-firefox-1234.scope";
    row.slice = "user:app.slice";
    row.ancestors = {"/usr/bin/gnome-shell", "/usr/lib/systemd/systemd"};
    row.mount_namespace = 4026531841;
    row.source = AttributionSource::kprobe;
    row.latency_ns = 25'000;
    row.evidence = {.recorded = true, .interface = "eth0", .names = {"www.example.org"}, .group_known = true,
                    .units = {row.unit}, .slices = {row.slice}, .ancestors_whole = true, .asked = {}, .verity = {},
                    .injected = Injections{}};
    return row;
}

template <class Do>
double per_row(std::size_t rows, const Do& work) {
    const double start = now();
    work();
    return (now() - start) * 1e6 / static_cast<double>(rows);
}

// The same values as a row has, without a database.
double hashing(std::size_t rows) {
    return per_row(rows, [&] {
        Sha256 hash{};
        LinkContent content;
        const std::string text(10, 'x');
        for (std::size_t row = 0; row < rows; ++row) {
            content.begin(hash, LinkKind::row);
            for (int i = 0; i < 20; ++i) content.number(static_cast<std::int64_t>(row));
            for (int i = 0; i < 30; ++i) content.text(text);
            content.blob(hash);
            hash = content.hash();
        }
    });
}

int measure(std::size_t rows, const std::string& path) {
    auto store = AuditStore::open({.path = path, .message = {}});
    if (!store) return fmt::print(stderr, "{}\n", store.error().text()), 1;
    std::vector<std::vector<AuditRecord>> batches;
    for (std::size_t row = 0; row < rows; ++row) {
        if (row % batch_rows == 0) batches.emplace_back();
        batches.back().push_back(record(row));
    }
    bool good = true;
    const double writing = per_row(rows, [&] {
        for (const auto& batch : batches) good = store->insert(batch).has_value() && good;
    });
    fmt::print("to write a row in batches of {}  {:6.2f} µs\n", batch_rows, writing);
    fmt::print("a hash of as many values         {:6.2f} µs\n", hashing(rows));
    auto reader = AuditReader::open(path);
    if (!reader || !good) return fmt::print(stderr, "the log could not be written or read\n"), 1;
    Result<ChainReport> report;
    fmt::print("to verify a row                  {:6.2f} µs\n", per_row(rows, [&] { report = reader->verify({}); }));
    if (report && !report->fault) return 0;
    return fmt::print(stderr, "the log does not verify\n"), 1;
}

}  // namespace

int main(int argc, char** argv) {
    const std::size_t rows = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 200'000;
    std::string folder = std::string(argc > 2 ? argv[2] : "/dev/shm") + "/doorward-audit-bench-XXXXXX";
    if (rows == 0 || !::mkdtemp(folder.data())) return fmt::print(stderr, "usage: audit-bench [ROWS [FOLDER]]\n"), 2;
    const int status = measure(rows, folder + "/audit.db");
    std::filesystem::remove_all(folder);
    return status;
}
