// SPDX-License-Identifier: GPL-2.0-or-later
#include "rules/yaml_source.hpp"

#include <optional>
#include <span>
#include <spanstream>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

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

using Take = std::function<Result<void>(const YamlNode&)>;

// Looks at a document before it is built. The parser reports a collection before it descends into
// it, so throwing on the way down also bounds the parser's own recursion.
class Inspector {
public:
    explicit Inspector(std::string_view text)
        : text_(text.starts_with(byte_order_mark) ? text.substr(byte_order_mark.size()) : text),
          max_values_(value_budget(text)) {}

    void document(const YAML::Mark& mark) {
        if (++documents_ > 1)
            throw Refusal{mark, "a second YAML document begins here",
                          "keep one document per file, without \"---\" between parts"};
    }

    void scalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) {
        value(mark, anchor, tag);
        check_quotes(mark);
        // Escapes in double quotes can spell what the raw text may not contain.
        if (const auto bad = find_bad_character(text))
            throw Refusal{mark, fmt::format("this value contains {}", bad->what),
                          "remove the escape sequence that stands for it"};
    }

    void descend(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
        value(mark, anchor, tag);
        if (++depth_ > max_yaml_depth)
            throw Refusal{mark, "lists and maps are nested too deeply",
                          fmt::format("use at most {} levels", max_yaml_depth)};
    }
    void ascend() { --depth_; }

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

private:
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

// Builds the document from the parser's events.
class Builder : public YAML::EventHandler {
public:
    Builder(std::string_view text, std::string_view key, const Take* take)
        : inspector_(text), key_(key), take_(take) {}

    void OnDocumentStart(const YAML::Mark& mark) override { inspector_.document(mark); }
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        inspector_.value(mark, anchor, "?");
        finish(node_at(mark, YamlNode::Kind::null));
    }

    void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
        throw Refusal{mark, "YAML aliases are not supported", "write the value out"};
    }

    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& text) override {
        inspector_.scalar(mark, tag, anchor, text);
        // The parser reports "~" and "null" as values; only in quotes are they texts.
        const bool null = tag == "?" && YAML::IsNullString(text);
        YamlNode node = node_at(mark, null ? YamlNode::Kind::null : YamlNode::Kind::scalar);
        if (!null) node.scalar = text;
        finish(std::move(node));
    }

    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        inspector_.descend(mark, tag, anchor);
        open_.push_back(node_at(mark, YamlNode::Kind::sequence));
        open_.back().streamed = take_ && open_.size() == 2 && is_value_of_key(open_.front());
    }
    void OnSequenceEnd() override { close(); }

    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        inspector_.descend(mark, tag, anchor);
        open_.push_back(node_at(mark, YamlNode::Kind::map));
    }
    void OnMapEnd() override { close(); }

    YamlNode take_root() { return std::move(root_); }
    const std::optional<Error>& error() const { return error_; }

private:
    static YamlNode node_at(const YAML::Mark& mark, YamlNode::Kind kind) {
        YamlNode node;
        node.kind = kind;
        if (mark.is_null()) return node;
        node.line = mark.line + 1;
        node.column = mark.column + 1;
        return node;
    }

    bool is_value_of_key(const YamlNode& map) const {
        return map.is_map() && map.children.size() % 2 == 1 && map.children.back().scalar == key_;
    }

    void close() {
        inspector_.ascend();
        YamlNode node = std::move(open_.back());
        open_.pop_back();
        finish(std::move(node));
    }

    void finish(YamlNode node) {
        if (open_.empty()) {
            root_ = std::move(node);
        } else if (open_.back().streamed) {
            // What is no YAML at all further on is the likelier cause: it is told instead.
            if (!error_)
                if (auto taken = (*take_)(node); !taken) error_ = std::move(taken.error());
        } else {
            open_.back().children.push_back(std::move(node));
        }
    }

    Inspector inspector_;
    std::string_view key_;
    const Take* take_;
    std::vector<YamlNode> open_;
    YamlNode root_;
    std::optional<Error> error_;  // the first of those that `take_` returned
};

Result<YamlNode> build(std::string_view text, const std::string& file_name, std::size_t max_bytes,
                       std::string_view key, const Take* take) {
    if (auto error = text_error(text, file_name, max_bytes)) return std::unexpected(*error);
    try {
        std::ispanstream stream{std::span(text.data(), text.size())};
        YAML::Parser parser(stream);
        Builder builder(text, key, take);
        // The inspector throws at the second document.
        while (parser.HandleNextDocument(builder)) {
        }
        if (builder.error()) return std::unexpected(*builder.error());
        return builder.take_root();
    } catch (const Refusal& refusal) {
        return fail(refusal.what, refusal.remedy, place_at(refusal.mark, file_name));
    } catch (const YAML::Exception& exception) {
        return fail("this is not valid YAML: " + exception.msg,
                    "check indentation, quotes and brackets here and above",
                    place_at(exception.mark, file_name));
    }
}

}  // namespace

const YamlNode* YamlNode::find(std::string_view key) const {
    if (!is_map()) return nullptr;
    for (std::size_t i = 0; i + 1 < children.size(); i += 2)
        if (children[i].is_scalar() && children[i].scalar == key) return &children[i + 1];
    return nullptr;
}

Result<YamlNode> load_yaml(std::string_view text, const std::string& file_name,
                           std::size_t max_bytes) {
    return build(text, file_name, max_bytes, {}, nullptr);
}

Result<YamlNode> stream_yaml(std::string_view text, const std::string& file_name,
                             std::size_t max_bytes, std::string_view key, const Take& take) {
    return build(text, file_name, max_bytes, key, &take);
}

}  // namespace doorward
