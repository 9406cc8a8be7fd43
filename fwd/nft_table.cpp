// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/nft_table.hpp"

#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nftables/libnftables.h>
#include <nlohmann/json.hpp>

#include "fwd/handle.hpp"
#include "fwd/nft_queue_rule.hpp"
#include "fwd/nft_text.hpp"

namespace doorward {
namespace {

using NftContext = CHandle<nft_ctx, nft_ctx_free>;

// libnftables answers in several lines: where, what, the text and a line of carets. Our text is
// our own, so what counts is the first line and the rule it points at.
std::string first_error(const char* text) {
    const std::string all = text == nullptr ? "" : text;
    const std::size_t end = all.find('\n');
    std::string out = all.substr(0, end);
    if (const std::size_t at = out.find("Error: "); at != std::string::npos) out.erase(0, at + 7);
    if (end == std::string::npos) return out;
    std::string rule = all.substr(end + 1, all.find('\n', end + 1) - end - 1);
    rule.erase(0, rule.find_first_not_of(" \t"));
    return rule.empty() ? out : fmt::format("{}, in \"{}\"", out, rule);
}

Result<std::string> run(nft_ctx* nft, const std::string& text) {
    const int failed = nft_run_cmd_from_buffer(nft, text.c_str());
    // Reading a buffer also empties it, so that the next call starts with nothing.
    const std::string error = first_error(nft_ctx_get_error_buffer(nft));
    const char* output = nft_ctx_get_output_buffer(nft);
    if (failed != 0) return fail(error.empty() ? "nftables gave no reason" : error);
    return std::string(output == nullptr ? "" : output);
}

Result<NftContext> open_nftables() {
    NftContext nft(nft_ctx_new(NFT_CTX_DEFAULT));
    if (!nft) return fail("cannot start libnftables: out of memory");
    if (nft_ctx_buffer_output(nft.get()) != 0 || nft_ctx_buffer_error(nft.get()) != 0) {
        return fail("cannot start libnftables: out of memory");
    }
    nft_ctx_output_set_flags(nft.get(), NFT_CTX_OUTPUT_JSON);
    return nft;
}

std::unexpected<Error> no_queue(const Error& nft_error, const Error& xtables_error) {
    return fail(fmt::format("this kernel can queue no packets: nft's `queue` statement: {}; the "
                            "NFQUEUE target: {}", nft_error.what, xtables_error.what),
                "load the module nft_queue, or nft_compat and xt_NFQUEUE, or use a kernel that has "
                "them; doorward needs CAP_NET_ADMIN");
}

std::uint64_t* counter_named(NftCounters& counters, const std::string& name) {
    if (name == "decided") return &counters.decided;
    if (name == "known") return &counters.known;
    if (name == "loopback") return &counters.loopback;
    if (name == "neighbour") return &counters.neighbour;
    if (name == "answers") return &counters.answers;
    if (name == "queued") return &counters.queued;
    if (name == "rejected") return &counters.rejected;
    return nullptr;
}

Result<NftCounters> parse_counters(const std::string& text) {
    NftCounters counters;
    int found = 0;
    try {
        const nlohmann::json answer = nlohmann::json::parse(text);
        for (const nlohmann::json& item : answer.at("nftables")) {
            const auto counter = item.find("counter");
            if (counter == item.end()) continue;
            std::uint64_t* value = counter_named(counters, counter->at("name").get<std::string>());
            if (value == nullptr) continue;
            *value = counter->at("packets").get<std::uint64_t>();
            ++found;
        }
    } catch (const nlohmann::json::exception& error) {
        return fail(fmt::format("cannot read nftables' counters: {}", error.what()));
    }
    if (found != 7) {
        return fail("the table inet doorward has lost counters: another program has changed it",
                    "restart doorwardd");
    }
    return counters;
}

}  // namespace

struct NftTable::Impl {
    NftContext nft;
    NftLayout layout;
    QueueKind kind = QueueKind::nft;
    std::optional<NftQueueRule> compat;
    bool knows_senders = false;
    bool installed = false;

    // Nobody is left to hear of an error here: who wants to know calls remove().
    ~Impl() {
        if (installed) (void)run(nft.get(), nft_remove_text());
    }

    // A daemon that was killed has left its table. Chains that are put in and taken out stand behind one another for
    // a moment, and each reads for itself which generation of rules counts: a packet between the two, when that
    // changes, finds the one not yet filled and the other empty already. Chains that stay have no such moment.
    // Where chains of that name are others, all of it goes.
    Result<void> put_rules(OldTable old) {
        auto done = run(nft.get(), nft_table_text(layout, old));
        if (!done && old == OldTable::emptied) return put_rules(OldTable::removed);
        if (!done) return std::unexpected(done.error());
        // They would go on from the former daemon's.
        if (old == OldTable::emptied) (void)run(nft.get(), "reset counters table inet doorward");
        return {};
    }

    // The queue last: what is queued before its sender can be asked for would stay without a name.
    // Until then undecided packets are dropped (or, with bypass, pass).
    Result<void> put(OldTable old) {
        if (auto done = put_rules(old); !done) return done;
        installed = true;
        if (auto done = put_questions(); !done) return done;
        return put_queue(layout);
    }

    Result<void> put_queue(const NftLayout& wanted) {
        if (kind == QueueKind::xtables) return compat->put(wanted.queue, wanted.queues, wanted.bypass);
        if (auto done = run(nft.get(), nft_undecided_text(wanted)); !done)
            return std::unexpected(done.error());
        return {};
    }

    // The table comes with chains that take every sender for a new one and mark no accepted flow:
    // safe, and slow.
    Result<void> put_questions() {
        const TablePrograms& programs = layout.programs;
        std::vector<NftQueueRule::Question> questions = {
            {"owner", programs.same_sender, ""},
            {"sender", programs.granted, "decided"},
            {"slot", programs.slot_bit[0], "slot_bit0"},
            {"slot", programs.slot_bit[1], "slot_bit1"},
            {"slot", programs.slot_bit[2], "slot_bit2"},
            {"accepted_connection", programs.still_owner, "take"},
            {"keep", programs.still_owner, "pass"},
        };
        if (programs.known_connection >= 0) {
            questions.push_back({"known_connection", programs.known_connection, "known"});
            questions.push_back({"known_datagram", programs.known_datagram, "known_sender"});
            questions.push_back({"known_datagram", programs.denied_datagram, "deny"});
            questions.push_back({"keep_known", programs.still_known, "pass"});
        }
        if (programs.dns_query >= 0) {
            questions.push_back({"dns_query", programs.dns_query, ""});
            questions.push_back({"dns_answer", programs.dns_answer, ""});
        }
        if (programs.same_sender >= 0) {
            const auto asked = compat->put_questions(questions);
            // What went before may lean on the table's senders by now: it does not come back without them.
            if (asked || knows_senders) {
                knows_senders = true;
                return asked;
            }
        }
        if (auto done = run(nft.get(), nft_without_senders_text(layout)); !done)
            return std::unexpected(done.error());
        return {};
    }
};

NftTable::NftTable(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
NftTable::NftTable(NftTable&&) noexcept = default;
NftTable& NftTable::operator=(NftTable&&) noexcept = default;
NftTable::~NftTable() = default;

Result<NftTable> NftTable::install(const NftLayout& layout) {
    // Before libnftables, which ends the process if it gets no netlink socket.
    auto compat = NftQueueRule::open();
    if (!compat) return std::unexpected(compat.error());
    auto nft = open_nftables();
    if (!nft) return std::unexpected(nft.error());
    auto impl = std::make_unique<Impl>();
    impl->nft = std::move(*nft);
    impl->layout = layout;
    impl->compat.emplace(std::move(*compat));
    // Asked before anything is touched: what was there stays until it is known that a queue works.
    if (auto by_nft = run(impl->nft.get(), nft_probe_text(layout)); !by_nft) {
        if (auto able = impl->compat->probe(); !able) return no_queue(by_nft.error(), able.error());
        impl->kind = QueueKind::xtables;
    }
    impl->layout.asks_source = run(impl->nft.get(), nft_source_probe_text()).has_value();
    if (auto done = impl->put(OldTable::emptied); !done) {
        return fail("cannot put in the table inet doorward: " + done.error().what,
                    "a module may be missing (nft_ct, nft_reject_inet, nf_tables)");
    }
    return NftTable(std::move(impl));
}

Result<void> NftTable::set_generation(std::uint32_t generation_mark) {
    NftLayout changed = impl_->layout;
    changed.generation_mark = generation_mark;
    if (auto done = run(impl_->nft.get(), nft_generation_text(changed)); !done) {
        return fail("cannot change the generation in the table inet doorward: " +
                        done.error().what,
                    "another program may have removed the table: restart doorwardd");
    }
    impl_->layout = changed;
    return {};
}

Result<void> NftTable::set_bypass(bool bypass) {
    NftLayout changed = impl_->layout;
    changed.bypass = bypass;
    if (auto done = impl_->put_queue(changed); !done) {
        return fail("cannot change the queue rule of the table inet doorward: " +
                        done.error().what,
                    "another program may have removed the table: restart doorwardd");
    }
    impl_->layout = changed;
    return {};
}

Result<void> NftTable::put_again() {
    impl_->layout.generation_mark = impl_->layout.marks.none_yet();
    if (auto done = impl_->put(OldTable::removed); !done)
        return fail("cannot put the table inet doorward back: " + done.error().what);
    return {};
}

Result<void> NftTable::touch_other(const std::string& name) const {
    const auto done = run(impl_->nft.get(), fmt::format("add table inet {0}\ndelete table inet {0}\n", name));
    if (!done) return fail("cannot change nftables: " + done.error().what);
    return {};
}

Result<NftCounters> NftTable::counters() const {
    auto text = run(impl_->nft.get(), "list counters table inet doorward");
    if (!text) {
        return fail("cannot list the counters of the table inet doorward: " + text.error().what,
                    "another program may have removed the table: restart doorwardd");
    }
    return parse_counters(*text);
}

QueueKind NftTable::queue_kind() const { return impl_->kind; }
bool NftTable::knows_senders() const { return impl_->knows_senders; }
bool NftTable::asks_source() const { return impl_->layout.asks_source; }

Result<void> NftTable::remove() {
    if (!impl_->installed) return {};
    if (auto done = run(impl_->nft.get(), nft_remove_text()); !done) {
        return fail("cannot take out the table inet doorward: " + done.error().what,
                    "nft delete table inet doorward");
    }
    impl_->installed = false;
    return {};
}

void NftTable::leave() { impl_->installed = false; }

}  // namespace doorward
