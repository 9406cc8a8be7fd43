// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/nearest.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

namespace doorward {

namespace {

constexpr std::size_t longest = 32;  // of the words compared; keys are shorter

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Number of single-letter changes between two words, swaps of neighbours counted as one. Both are
// at most `longest` long.
std::size_t distance(std::string_view a, std::string_view b) {
    std::array<std::array<std::size_t, longest + 1>, longest + 1> cost{};
    for (std::size_t i = 0; i <= a.size(); ++i) {
        for (std::size_t j = 0; j <= b.size(); ++j) {
            if (i == 0 || j == 0) {
                cost[i][j] = i + j;
                continue;
            }
            const bool same = lower(a[i - 1]) == lower(b[j - 1]);
            cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1,
                                   cost[i - 1][j - 1] + (same ? 0 : 1)});
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                lower(a[i - 2]) == lower(b[j - 1]))
                cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
        }
    }
    return cost[a.size()][b.size()];
}

}  // namespace

std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates) {
    std::string_view best;
    std::size_t least = std::max<std::size_t>(1, word.size() / 3) + 1;
    if (word.size() < 2 || word.size() > longest) return best;
    for (const auto candidate : candidates) {
        if (candidate.size() > longest) continue;
        const bool beginning = word.size() >= 3 && candidate.starts_with(word);
        const auto apart = beginning ? 1 : distance(word, candidate);
        if (apart >= least) continue;
        least = apart;
        best = candidate;
    }
    return best;
}

}  // namespace doorward
