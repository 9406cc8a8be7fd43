// SPDX-License-Identifier: GPL-2.0-or-later
// How long lists take to read, what their sets weigh, and what a question costs; with
// std::unordered_set beside it.
//
// usage: lists-bench [NAMES [PREFIXES]]     (default 1500000 and 500000)
#include <cstdlib>
#include <ctime>
#include <random>
#include <unordered_set>

#include <fmt/format.h>
#include <malloc.h>

#include "rules/domain_name.hpp"
#include "rules/list_format.hpp"

using namespace doorward;

namespace {

using Random = std::mt19937_64;

constexpr std::size_t questions = 1'000'000;
constexpr HashKey key = {0x0123456789abcdef, 0xfedcba9876543210};

// Of processor time: other programs of the machine are not what is measured.
double now() {
    timespec time{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

std::size_t pick(Random& random, std::size_t below) {
    return std::uniform_int_distribution<std::size_t>(0, below - 1)(random);
}

// Two to four labels, 20 bytes on average, as in public lists.
std::string random_name(Random& random) {
    static constexpr std::string_view tops[] = {"com", "net", "org", "info", "xyz", "ru", "top"};
    std::string name;
    for (std::size_t labels = 1 + pick(random, 3); labels > 0; --labels) {
        for (std::size_t letters = 4 + pick(random, 8); letters > 0; --letters)
            name += "abcdefghijklmnopqrstuvwxyz0123456789"[pick(random, 36)];
        name += '.';
    }
    return name + std::string(tops[pick(random, std::size(tops))]);
}

Address random_address(Random& random, bool v4) {
    std::array<std::uint8_t, 16> bytes;
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(pick(random, 256));
    bytes[0] = 0x20;
    if (v4) return Address::v4(std::span(bytes).subspan<4, 4>());
    return Address::v6(bytes);
}

// One in five is IPv6; most of IPv4 are single addresses.
std::string random_prefix(Random& random) {
    const bool v4 = pick(random, 5) != 0;
    Prefix prefix{random_address(random, v4)};
    prefix.length = static_cast<std::uint8_t>(v4 ? 128 - (pick(random, 4) == 0 ? 8 : 0) : 48);
    for (std::size_t bit = prefix.length; bit < 128; ++bit)
        prefix.base.bytes[bit / 8] &= static_cast<std::uint8_t>(~(0x80u >> bit % 8));
    return prefix.to_string();
}

struct Texts {
    std::vector<std::string> names;
    std::string hosts, prefixes;
};

Texts make_texts(std::size_t names, std::size_t prefixes) {
    Random random(7);
    Texts texts;
    for (std::size_t i = 0; i < names; ++i) {
        texts.names.push_back(random_name(random));
        texts.hosts += "0.0.0.0 " + texts.names.back() + "\n";
    }
    for (std::size_t i = 0; i < prefixes; ++i) texts.prefixes += random_prefix(random) + "\n";
    return texts;
}

// Half of them in the list, one label below a name of it or a name of it; half not.
std::vector<std::string> make_questions(const Texts& texts) {
    Random random(8);
    std::vector<std::string> out;
    for (std::size_t i = 0; i < questions; ++i) {
        if (i % 2) out.push_back("www." + random_name(random));
        else out.push_back((i % 4 ? "" : "www.") + texts.names[pick(random, texts.names.size())]);
    }
    return out;
}

template <class Question, class Ask>
void print_questions(const char* what, const std::vector<Question>& asked, const Ask& ask) {
    std::size_t yes = 0;
    const double start = now();
    for (const Question& question : asked) yes += ask(question);
    fmt::print("  {:<42} {:8.0f} ns ({} of {} yes)\n", what,
               (now() - start) * 1e9 / static_cast<double>(asked.size()), yes, asked.size());
}

void print_reading(const char* what, std::size_t entries, double seconds, std::size_t bytes) {
    const auto count = static_cast<double>(entries);
    fmt::print("  {:<42} {:8.3f} s  {:5.1f} million/s  {:5.1f} bytes each\n", what, seconds,
               count / seconds / 1e6, static_cast<double>(bytes) / count);
}

std::size_t allocated() { return mallinfo2().uordblks + mallinfo2().hblkhd; }

double measure_domains(const Texts& texts, const std::vector<std::string>& asked) {
    double start = now();
    DomainSetBuilder builder(key);
    const auto report = read_list(texts.hosts, ListFormat::automatic, {.domains = &builder},
                                  {.whole_domains = true});
    const DomainSet set = std::move(builder).finish();
    const double seconds = now() - start;
    print_reading("names: hosts file to set", report->names, seconds, set.memory());

    const std::size_t before = allocated();
    start = now();
    std::unordered_set<std::string> naive;
    for (const std::string& name : texts.names) naive.insert(name);
    print_reading("names: unordered_set, already parsed", naive.size(), now() - start,
                  allocated() - before);

    print_questions("question: set", asked, [&](const auto& name) { return set.contains(name); });
    print_questions("question: unordered_set, each domain", asked, [&](const std::string& name) {
        for (std::size_t at = 0;; ++at) {
            if (naive.contains(name.substr(at))) return true;
            if (at = name.find('.', at); at == name.npos) return false;
        }
    });
    return seconds;
}

double measure_prefixes(const Texts& texts) {
    const double start = now();
    PrefixSetBuilder builder;
    const auto report = read_list(texts.prefixes, ListFormat::automatic, {.prefixes = &builder});
    const PrefixSet set = std::move(builder).finish();
    const double seconds = now() - start;
    print_reading("prefixes: lines to set", report->prefixes, seconds, set.memory());

    Random random(9);
    std::vector<Address> asked;
    for (std::size_t i = 0; i < questions; ++i) asked.push_back(random_address(random, i % 5 != 0));
    print_questions("question: set", asked, [&](const auto& address) { return set.contains(address); });
    return seconds;
}

}  // namespace

int main(int argc, char** argv) {
    const std::size_t names = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'500'000;
    const std::size_t prefixes = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 500'000;
    if (names == 0 || prefixes == 0) {
        fmt::print(stderr, "usage: lists-bench [NAMES [PREFIXES]], numbers from 1\n");
        return 2;
    }
    const Texts texts = make_texts(names, prefixes);
    fmt::print("{} names in {} MB of text, {} prefixes in {} MB:\n", names, texts.hosts.size() >> 20,
               prefixes, texts.prefixes.size() >> 20);
    const double both = measure_domains(texts, make_questions(texts)) + measure_prefixes(texts);
    fmt::print("both read and built: {:.3f} s\n", both);
}
