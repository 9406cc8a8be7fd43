// SPDX-License-Identifier: GPL-2.0-or-later
// Reads the members of a JSON object one by one and remembers the first that doesn't fit.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace doorward {

// Take every member, then ask complete(): a member that is missing, of the wrong type, or that
// nobody took makes it false, and wrong() names it. What was taken of a wrong member is empty.
class CallParameters {
public:
    // `object` must be a JSON object and outlive this.
    explicit CallParameters(const nlohmann::json& object) : object_(object) {}

    std::string text(const std::string& name);
    bool flag(const std::string& name);
    nlohmann::json object(const std::string& name);
    std::string one_of(const std::string& name, std::initializer_list<std::string_view> allowed);
    // Missing and null are the same.
    nlohmann::json optional_object(const std::string& name);  // null if it is not there
    std::optional<std::string> optional_text(const std::string& name);
    std::optional<std::int64_t> optional_integer(const std::string& name, std::int64_t min,
                                                 std::int64_t max);
    void refuse(const std::string& name);

    bool complete();
    const std::string& wrong() const { return wrong_; }

private:
    const nlohmann::json* take(const std::string& name);

    const nlohmann::json& object_;
    std::set<std::string> taken_;
    std::string wrong_;
};

}  // namespace doorward
