// SPDX-License-Identifier: GPL-2.0-or-later
#include <list>

#include <catch2/catch.hpp>

#include "rules/text.hpp"
#include "rules/yaml_source.hpp"
#include "rules/yaml_value.hpp"

using namespace doorward;

namespace {

constexpr std::size_t mebibyte = 1 << 20;

std::string repeat(std::string_view part, std::size_t times) {
    std::string out;
    out.reserve(part.size() * times);
    for (std::size_t i = 0; i < times; ++i) out += part;
    return out;
}

// The error's text, or "accepted".
std::string refusal(std::string_view text, std::size_t max_bytes = mebibyte) {
    const auto node = load_yaml(text, "f", max_bytes);
    return node ? "accepted" : node.error().text();
}

YamlValue top(std::string_view text) {
    // A value only points into the document.
    static std::list<YamlNode> documents;
    auto node = load_yaml(text, "f", mebibyte);
    REQUIRE(node);
    return yaml_top(documents.emplace_back(std::move(*node)), "top", "f");
}

YamlValue value_of(std::string_view text) {
    static constexpr std::string_view keys[] = {"k"};
    const auto map = YamlMap::read(top(text), keys);
    REQUIRE(map);
    REQUIRE(map->find("k"));
    return *map->find("k");
}

template <class T>
std::string error_of(const Result<T>& result) {
    return result ? "accepted" : result.error().text();
}

}  // namespace

TEST_CASE("find_bad_character accepts what people write") {
    for (const char* text : {"", "plain", "tab\there", "two\nlines\n", "dos\r\nlines\r\n", "Grüße",
                             "\xef\xbb\xbfmark first", "\xf0\x9f\x94\x92", "\xc2\xa0"})
        CHECK_FALSE(find_bad_character(text));
}

TEST_CASE("find_bad_character names the first bad one and its place") {
    struct Case {
        std::string_view text;
        std::string_view what;
        int line, column;
    };
    using namespace std::string_view_literals;
    const Case cases[] = {
        {"a\0b"sv, "a NUL character", 1, 2},
        {"ok\n\x1b[31m", "a control character (U+001B)", 2, 1},
        {"a\n\nbc\x7f", "a control character (U+007F)", 3, 3},
        {"\xc2\x85", "a control character (U+0085)", 1, 1},
        {"a\rb", "a carriage return without a line feed", 1, 2},
        {"a\r", "a carriage return without a line feed", 1, 2},
        {"\xff", "a byte that is not UTF-8 (0xff)", 1, 1},
        {"a\x80", "a byte that is not UTF-8 (0x80)", 1, 2},
        {"\xc0\xaf", "a byte that is not UTF-8 (0xc0)", 1, 1},          // overlong
        {"\xe0\x80\xaf", "a byte that is not UTF-8 (0xe0)", 1, 1},      // overlong
        {"\xf0\x80\x80\xaf", "a byte that is not UTF-8 (0xf0)", 1, 1},  // overlong
        {"\xed\xa0\x80", "a byte that is not UTF-8 (0xed)", 1, 1},      // surrogate
        {"\xf4\x90\x80\x80", "a byte that is not UTF-8 (0xf4)", 1, 1},  // above U+10FFFF
        {"\xe2\x82", "a byte that is not UTF-8 (0xe2)", 1, 1},          // cut short
        {"\xc3(", "a byte that is not UTF-8 (0xc3)", 1, 1},
        {"a\xe2\x80\xae", "an invisible character that changes the layout (U+202E)", 1, 2},
        {"a\xe2\x81\xa6", "an invisible character that changes the layout (U+2066)", 1, 2},
        {"a\xef\xbb\xbf", "an invisible character that changes the layout (U+FEFF)", 1, 2},
    };
    for (const auto& c : cases) {
        const auto bad = find_bad_character(c.text);
        REQUIRE(bad);
        CHECK(bad->what == c.what);
        CHECK(bad->line == c.line);
        CHECK(bad->column == c.column);
    }
}

TEST_CASE("load_yaml takes ordinary documents") {
    for (const char* text : {"", "# only a comment\n", "a: 1\n", "---\na: 1\n", "a: 1\n...\n",
                             "- x\n- y: [1, 2]\n", "a: 'x & y'\nb: \"*\"\n", "a: b*c&d!e\n",
                             "\xef\xbb\xbf" "a: 1\n", "a: 1\r\nb: 2\r\n"})
        CHECK(refusal(text) == "accepted");
    CHECK(load_yaml("", "f", 10)->is_null());
}

TEST_CASE("load_yaml refuses what could surprise, with the place") {
    using namespace std::string_literals;
    CHECK(refusal("a: &x 1\n") == "f:1:4: YAML anchors are not supported (remove the \"&name\")");
    CHECK(refusal("a: &x [1]\n").starts_with("f:1:4: YAML anchors"));
    CHECK(refusal("a: &x {b: 1}\n").starts_with("f:1:4: YAML anchors"));
    CHECK(refusal("a: &x\nb: 1\n").find("YAML anchors") != std::string::npos);
    CHECK(refusal("a: *x\n").starts_with("f:1:4: this is not valid YAML: the referenced anchor"));
    CHECK(refusal("a: !!int 5\n").starts_with("f:1:4: YAML tags are not supported"));
    CHECK(refusal("a: !evil\nb: 1\n").find("YAML tags") != std::string::npos);
    CHECK(refusal("a: !x [1]\n").starts_with("f:1:4: YAML tags"));
    CHECK(refusal("a: 1\n---\nb: 2\n").starts_with("f:2:1: a second YAML document"));
    CHECK(refusal("a: 1\n...\nb\n").find("a second YAML document") != std::string::npos);
    CHECK(refusal("a: 1\n---\n").find("a second YAML document") != std::string::npos);
    CHECK(refusal("a: 1\n]\n").starts_with("f:2:1: this is not valid YAML"));
    CHECK(refusal("a:\n\t- b\n").find("this is not valid YAML") != std::string::npos);
    CHECK(refusal("a\0b"s).starts_with("f:1:2: the text contains a NUL character"));
    CHECK(refusal("a: \"\\0\"\n").starts_with("f:1:4: this value contains a NUL character"));
    CHECK(refusal("a: \"\\x1b[2J\"\n").starts_with("f:1:4: this value contains a control"));
    CHECK(refusal("\"\\e\": 1\n").starts_with("f:1:1: this value contains a control"));
    CHECK(refusal("\xff\xfe" "a\0"s).starts_with("f:1:1: the text contains a byte that is not"));
    CHECK(refusal("12345", 4) == "f: the file is 5 bytes long (keep it within 4 bytes)");
    CHECK(refusal("1234", 4) == "accepted");
}

TEST_CASE("load_yaml notices a quote that is never closed") {
    for (const char* text : {"a: \"x\n", "a: \"x\nb: 2\n", "a: 'x\nb: 2\n", "a: 'x''\n",
                             "a: \"x\\\"\n", "a: \"x\\\\\\\"\n", "a: [\"x]\n", "\"a: 1\nb: 2\n",
                             "a: \"\n", "a: \""})
        CHECK(refusal(text) != "accepted");
    CHECK(refusal("a: 1\nb: \"x\nc: 2\n") ==
          "f:2:4: the quote that opens here is never closed (add the closing \")");
    CHECK(refusal("\xef\xbb\xbf" "a: 'x\nb: 2\n").starts_with("f:1:4: the quote that opens"));
    CHECK(refusal("a: 'x\r\nb: 2\r\n").starts_with("f:1:4: the quote that opens"));
    CHECK(refusal("x: ü\r\na: 'x\r\nb: 2\r\n").starts_with("f:2:4: the quote that opens"));
    for (const char* text : {"a: \"x\\\"y\"\n", "a: 'it''s'\n", "a: ''\n", "a: \"\"\n", "a: it's\n",
                             "a: 5\" disk\n", "a: \"x\\\\\"\n", "a: \"two\n  lines\"\n",
                             "a: |\n  \"x\n", "'a''': \"b\"\n", "\xef\xbb\xbf" "a: 'x'\n"})
        CHECK(refusal(text) == "accepted");
}

TEST_CASE("load_yaml bounds nesting before anything recurses") {
    const auto nested = [](int depth) { return repeat("[", depth) + repeat("]", depth); };
    CHECK(refusal(nested(max_yaml_depth)) == "accepted");
    CHECK(refusal(nested(max_yaml_depth + 1)).starts_with("f:1:33: lists and maps are nested"));
    for (const char* part : {"[", "{", "- ", "? ", ": ", "[a: ", "{a: ", "- ? ", "[? {"})
        CHECK(refusal(repeat(part, 100'000)) != "accepted");
    CHECK(refusal(repeat("[", 100'000)).find("nested too deeply") != std::string::npos);
    CHECK(refusal(repeat("- ", 100'000)).find("nested too deeply") != std::string::npos);
    std::string steps;
    for (int i = 0; i < 1000; ++i) steps += std::string(static_cast<std::size_t>(i), ' ') + "a:\n";
    CHECK(refusal(steps).find("nested too deeply") != std::string::npos);
}

TEST_CASE("load_yaml bounds the number of values") {
    CHECK(refusal("{" + repeat(",", 100'000) + "}").find("too many values") != std::string::npos);
    CHECK(refusal("[" + repeat("1,", 4000) + "]") == "accepted");
    CHECK(refusal(repeat("- {name: a}\n", 20'000)) == "accepted");
}

TEST_CASE("YamlMap keeps values and their places") {
    static constexpr std::string_view keys[] = {"a", "b", "c"};
    const auto map = YamlMap::read(top("# first\n  a: 1\n  b:\n    - x\n"), keys, "top.");
    REQUIRE(map);
    CHECK(map->start().place() == Place{"f", 2, 3});
    REQUIRE(map->find("a"));
    CHECK(map->find("a")->full_name() == "top.a");
    CHECK(map->find("a")->place() == Place{"f", 2, 6});
    CHECK(map->find("b")->place() == Place{"f", 4, 5});
    CHECK(map->find("c") == nullptr);
}

TEST_CASE("YamlMap refuses unknown keys, duplicates and what is no map") {
    static constexpr std::string_view keys[] = {"a", "b"};
    const auto read = [](std::string_view text) {
        return error_of(YamlMap::read(top(text), keys));
    };
    CHECK(read("a: 1\nb: 2\n") == "accepted");
    CHECK(read("{}") == "accepted");
    CHECK(read("a: 1\nA: 2\n") == "f:2:1: top: unknown key \"A\" (known keys are a, b)");
    CHECK(read("a:\n  x: 1\nb: 2\na: 3\n") ==
          "f:4:1: top: key \"a\" is given twice (keep one of them; the other is in line 1)");
    CHECK(read("a: 1\n\"a\": 2\n").starts_with("f:2:1: top: key \"a\" is given twice"));
    CHECK(read("- a\n").starts_with("f:1:1: top: found a list where a map was expected"));
    CHECK(read("a\n").starts_with("f:1:1: top: found a single value where a map"));
    CHECK(read("[a]: 1\n").starts_with("f:1:1: top: found a list where a key was expected"));
    CHECK(read("~: 1\n").find("found nothing where a key was expected") != std::string::npos);
    CHECK(read(repeat("k", 300) + ": 1\n").starts_with("f:1:1: top: unknown key \"kkkk"));
    CHECK(read(repeat("k", 300) + ": 1\n").size() < 150);
}

TEST_CASE("yaml_text takes one scalar") {
    CHECK(yaml_text(value_of("k: word\n")) == "word");
    CHECK(yaml_text(value_of("k: two words\n")) == "two words");
    CHECK(yaml_text(value_of("k: \"\"\n")) == "");
    CHECK(yaml_text(value_of("k: '7'\n")) == "7");
    // The place of an empty value is its key's: the parser knows only the token after it.
    CHECK(error_of(yaml_text(value_of("k:\n\n"))).starts_with("f:1:1: k: found nothing where"));
    CHECK(error_of(yaml_text(value_of("k: [a]\n"))).starts_with("f:1:4: k: found a list where"));
    CHECK(error_of(yaml_text(value_of("k: {a: b}\n"))).starts_with("f:1:4: k: found a map where"));
}

TEST_CASE("yaml_number takes decimal and hexadecimal numbers within bounds") {
    const auto number = [](const std::string& text) {
        return yaml_number(value_of("k: " + text + "\n"), 1, 0xffffffff);
    };
    CHECK(number("1") == 1u);
    CHECK(number("4294967295") == 0xffffffffu);
    CHECK(number("0x7f000000") == 0x7f000000u);
    CHECK(number("0xFF") == 255u);
    for (const char* text : {"0", "4294967296", "0x100000000", "18446744073709551616"})
        CHECK(error_of(number(text)).find("from 1 to 4294967295") != std::string::npos);
    for (const char* text : {"-1", "+1", "1.0", "1e3", "010", "0x", "0x-1", "0xg", "1_000", "ten",
                             "\"\"", "\" 1\"", "\"1 \"", "1 2", "0X10"})
        CHECK(error_of(number(text)).find("is not a number") != std::string::npos);
    CHECK(error_of(number("70000x")) ==
          "f:1:4: k: \"70000x\" is not a number (use a number from 1 to 4294967295)");
}

TEST_CASE("yaml_bool takes true and false only") {
    CHECK(yaml_bool(value_of("k: true\n")) == true);
    CHECK(yaml_bool(value_of("k: false\n")) == false);
    for (const char* text : {"yes", "no", "on", "off", "True", "1", "0", "\"\"", "[true]", "{}"})
        CHECK_FALSE(yaml_bool(value_of(std::string("k: ") + text + "\n")));
}

TEST_CASE("yaml_items takes one value or a list") {
    const auto one = yaml_items(value_of("k: x\n"));
    REQUIRE(one);
    REQUIRE(one->size() == 1);
    CHECK(yaml_text(one->at(0)) == "x");

    const auto list = yaml_items(value_of("k:\n  - x\n  - y\n"));
    REQUIRE(list);
    REQUIRE(list->size() == 2);
    CHECK(yaml_text(list->at(1)) == "y");
    CHECK(list->at(1).place() == Place{"f", 3, 5});

    CHECK(error_of(yaml_items(value_of("k: []\n"))) ==
          "f:1:4: k: the list is empty (add an entry, or remove the key)");
    const auto holes = yaml_items(value_of("k: [x, ~]\n"));
    REQUIRE(holes);
    CHECK_FALSE(yaml_text(holes->at(1)));
}

TEST_CASE("stream_yaml gives each item of the list once, and keeps none") {
    std::vector<std::string> taken;
    const auto stream = [&](std::string_view text) {
        taken.clear();
        return stream_yaml(text, "f", mebibyte, "k", [&](const YamlNode& node) -> Result<void> {
            const YamlNode* name = node.find("n");
            taken.push_back(node.is_scalar() ? node.scalar : name ? name->scalar : "?");
            if (taken.back() == "stop") return fail("stopped", "go on", {"f", node.line, 0});
            return {};
        });
    };
    using Taken = std::vector<std::string>;
    const auto document = stream("a: [x, y]\nk:\n  - n: 1\n    k: [deep]\n  - two\nb: 7\n");
    REQUIRE(document);
    CHECK(taken == Taken{"1", "two"});
    REQUIRE(document->find("k"));
    CHECK(document->find("k")->streamed);
    CHECK(document->find("k")->children.empty());
    CHECK(document->find("a")->children.size() == 2);
    CHECK_FALSE(document->find("a")->streamed);
    CHECK(document->find("b")->scalar == "7");
    // Of the top-level map only, and lists only.
    CHECK(stream("a: {k: [x]}\n"));
    CHECK(taken.empty());
    CHECK(stream("k: {n: 1}\n")->find("k")->is_map());
    CHECK(taken.empty());
    CHECK(stream("- k\n- [x]\n"));
    CHECK(taken.empty());
    CHECK(stream("k: []\n")->find("k")->streamed);
    CHECK(stream("")->is_null());
    // The first error ends it.
    CHECK(error_of(stream("k: [a, stop, b]\n")) == "f:1:0: stopped (go on)");
    CHECK(taken == Taken{"a", "stop"});
    CHECK(error_of(stream("k: [a, b\n")).starts_with("f:"));
    CHECK(error_of(stream("k: [a, &x b]\n")).find("anchors") != std::string::npos);
}
