// SPDX-License-Identifier: GPL-2.0-or-later
// What every fallible call in Doorward returns, and how an error is worded.
#pragma once

#include <expected>
#include <string>

namespace doorward {

// Where in an input something is wrong. Lines and columns count from 1; 0 means "not known".
// `file` is the name the caller gave the input; rules/ itself opens no file.
struct Place {
    std::string file;
    int line = 0;
    int column = 0;

    std::string text() const;  // "rules.d/10-web.yaml:4:9"
    bool operator==(const Place&) const = default;
};

// An error names the object, the place and the remedy: "rules.d/10-web.yaml:4:9: port 70000 is out
// of range (use a number from 0 to 65535)". `remedy` may be empty where there is none to give.
struct Error {
    std::string what;
    std::string remedy;
    Place place;

    std::string text() const;
};

template <class T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(std::string what, std::string remedy = {}, Place place = {}) {
    return std::unexpected(Error{std::move(what), std::move(remedy), std::move(place)});
}

}  // namespace doorward
