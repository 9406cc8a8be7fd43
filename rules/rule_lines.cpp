// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/rule_lines.hpp"

#include <algorithm>

namespace doorward {

RuleLines::RuleLines(std::string_view text) {
    while (!text.empty()) {
        const auto end = text.find('\n');
        const auto length = end == std::string_view::npos ? text.size() : end + 1;
        lines_.emplace_back(text.substr(0, length));
        text.remove_prefix(length);
    }
    if (!lines_.empty() && lines_.front().ends_with("\r\n")) line_end_ = "\r\n";
}

std::string RuleLines::join() const {
    std::string text;
    for (const auto& line : lines_) text += line;
    return text;
}

std::string_view RuleLines::content(std::size_t at) const {
    std::string_view line = lines_[at];
    if (line.ends_with('\n')) line.remove_suffix(1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

std::size_t RuleLines::indent(std::size_t at) const {
    return std::min(content(at).find_first_not_of(' '), content(at).size());
}

bool RuleLines::is_blank(std::size_t at) const {
    return content(at).find_first_not_of(" \t") == std::string_view::npos;
}

bool RuleLines::is_comment(std::size_t at) const {
    return !is_blank(at) && content(at)[indent(at)] == '#';
}

std::optional<RuleLines::Block> RuleLines::block_at(const Place& place) const {
    if (place.line < 1 || place.column < 1) return std::nullopt;
    Block block;
    block.first = static_cast<std::size_t>(place.line) - 1;
    block.keys = static_cast<std::size_t>(place.column) - 1;
    if (block.first >= size() || block.keys > content(block.first).size()) return std::nullopt;
    if (content(block.first).substr(block.keys).starts_with('{')) return std::nullopt;
    block.dash = indent(block.first);
    const auto before = content(block.first).substr(0, block.keys);
    if (block.dash >= before.size() || before[block.dash] != '-') return std::nullopt;
    if (before.find_first_not_of(' ', block.dash + 1) != std::string_view::npos)
        return std::nullopt;

    block.last = block.first + 1;
    for (auto at = block.last; at < size(); ++at) {
        if (is_blank(at) || is_comment(at)) continue;
        if (indent(at) <= block.dash) break;
        block.last = at + 1;
    }
    while (block.last < size() && is_comment(block.last) && indent(block.last) > block.dash)
        ++block.last;
    block.comments = block.first;
    while (block.comments > 0 && is_comment(block.comments - 1) &&
           indent(block.comments - 1) <= block.dash)
        --block.comments;
    return block;
}

void RuleLines::replace(std::size_t at, std::string_view content) {
    const auto end = lines_[at].substr(this->content(at).size());
    lines_[at] = std::string(content) + end;
}

void RuleLines::erase(std::size_t first, std::size_t last) {
    lines_.erase(lines_.begin() + static_cast<std::ptrdiff_t>(first),
                 lines_.begin() + static_cast<std::ptrdiff_t>(last));
}

void RuleLines::insert(std::size_t at, std::string_view lines, std::size_t spaces) {
    if (at > 0 && !lines_[at - 1].ends_with('\n')) lines_[at - 1] += line_end_;
    while (!lines.empty()) {
        const auto line = lines.substr(0, lines.find('\n'));
        lines.remove_prefix(std::min(line.size() + 1, lines.size()));
        auto text = line.empty() ? std::string() : std::string(spaces, ' ') + std::string(line);
        lines_.insert(lines_.begin() + static_cast<std::ptrdiff_t>(at++), text + line_end_);
    }
}

}  // namespace doorward
