// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/yaml_source.hpp"

#include <optional>
#include <span>
#include <spanstream>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>

#include "rules/text.hpp"

namespace doorward {
namespace {

Place place_at(const YAML::Mark& mark, const std::string& file_name) {
    if (mark.is_null()) return {file_name, 0, 0};
    return {file_name, mark.line + 1, mark.column + 1};
}

// A node costs hundreds of bytes, and "{,,,}" makes two of them from every byte. Real rule files
// have eight bytes or more per value.
std::size_t value_budget(std::string_view text) { return 4096 + text.size() / 4; }

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

// Thrown through the parser; never leaves this file.
struct Refusal {
    YAML::Mark mark;
    std::string what;
    std::string remedy;
};

// Whether the quoted value that begins at `at` ends within the text. yaml-cpp 0.7 doesn't ask:
// there a forgotten quote silently turns the rest of the file, rules and all, into one value.
bool is_closed(std::string_view text, std::size_t at) {
    const char quote = text[at];
    for (++at; at < text.size(); ++at) {
        if (quote == '"' && text[at] == '\\') {
            ++at;
        } else if (text[at] == quote) {
            if (quote == '"' || at + 1 == text.size() || text[at + 1] != quote) return true;
            ++at;  // '' is a quote within single quotes
        }
    }
    return false;
}

// Looks at a document without building it. The parser reports a collection before it descends into
// it, so throwing on the way down also bounds the parser's own recursion.
class Inspector : public YAML::EventHandler {
public:
    explicit Inspector(std::string_view text)
        : text_(text.starts_with(byte_order_mark) ? text.substr(byte_order_mark.size()) : text),
          max_values_(value_budget(text)) {}

    void OnDocumentStart(const YAML::Mark& mark) override {
        if (++documents_ > 1)
            throw Refusal{mark, "a second YAML document begins here",
                          "keep one document per file, without \"---\" between parts"};
    }
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        value(mark, anchor, "?");
    }

    void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
        throw Refusal{mark, "YAML aliases are not supported", "write the value out"};
    }

    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& text) override {
        value(mark, anchor, tag);
        check_quotes(mark);
        // Escapes in double quotes can spell what the raw text may not contain.
        if (const auto bad = find_bad_character(text))
            throw Refusal{mark, fmt::format("this value contains {}", bad->what),
                          "remove the escape sequence that stands for it"};
    }

    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        descend(mark, anchor, tag);
    }
    void OnSequenceEnd() override { --depth_; }

    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        descend(mark, anchor, tag);
    }
    void OnMapEnd() override { --depth_; }

private:
    void value(const YAML::Mark& mark, YAML::anchor_t anchor, const std::string& tag) {
        if (anchor != YAML::NullAnchor)
            throw Refusal{mark, "YAML anchors are not supported", "remove the \"&name\""};
        // "?" and "!" are what the parser makes of plain and of quoted values without a tag.
        if (!tag.empty() && tag != "?" && tag != "!")
            throw Refusal{mark, "YAML tags are not supported", "remove the \"!tag\""};
        if (++values_ > max_values_)
            throw Refusal{mark, "too many values for a file of this size",
                          "split the file, or remove empty entries"};
    }

    void descend(const YAML::Mark& mark, YAML::anchor_t anchor, const std::string& tag) {
        value(mark, anchor, tag);
        if (++depth_ > max_yaml_depth)
            throw Refusal{mark, "lists and maps are nested too deeply",
                          fmt::format("use at most {} levels", max_yaml_depth)};
    }

    void check_quotes(const YAML::Mark& mark) {
        if (mark.pos < 0 || static_cast<std::size_t>(mark.pos) >= text_.size()) return;
        const auto at = static_cast<std::size_t>(mark.pos);
        if ((text_[at] == '"' || text_[at] == '\'') && !is_closed(text_, at))
            throw Refusal{mark, "the quote that opens here is never closed",
                          fmt::format("add the closing {}", text_[at])};
    }

    std::string_view text_;
    std::size_t max_values_;
    std::size_t values_ = 0;
    int documents_ = 0;
    int depth_ = 0;
};

std::optional<Error> text_error(std::string_view text, const std::string& file_name,
                                std::size_t max_bytes) {
    if (text.size() > max_bytes)
        return Error{fmt::format("the file is {} bytes long", text.size()),
                     fmt::format("keep it within {} bytes", max_bytes), {file_name, 0, 0}};
    const auto bad = find_bad_character(text);
    if (!bad) return std::nullopt;
    return Error{fmt::format("the text contains {}", bad->what), "remove it, and save as UTF-8",
                 {file_name, bad->line, bad->column}};
}

void inspect(std::string_view text) {
    std::ispanstream stream{std::span(text.data(), text.size())};
    YAML::Parser parser(stream);
    Inspector inspector(text);
    // The inspector throws at the second document.
    while (parser.HandleNextDocument(inspector)) {
    }
}

}  // namespace

Result<YAML::Node> load_yaml(std::string_view text, const std::string& file_name,
                             std::size_t max_bytes) {
    if (auto error = text_error(text, file_name, max_bytes)) return std::unexpected(*error);
    try {
        inspect(text);
        std::ispanstream stream{std::span(text.data(), text.size())};
        return YAML::Load(stream);
    } catch (const Refusal& refusal) {
        return fail(refusal.what, refusal.remedy, place_at(refusal.mark, file_name));
    } catch (const YAML::Exception& exception) {
        return fail("this is not valid YAML: " + exception.msg,
                    "check indentation, quotes and brackets here and above",
                    place_at(exception.mark, file_name));
    }
}

Place place_of(const YAML::Node& node, const std::string& file_name) {
    if (!node.IsDefined()) return {file_name, 0, 0};
    return place_at(node.Mark(), file_name);
}

}  // namespace doorward
