// SPDX-License-Identifier: GPL-2.0-or-later
// The control types ↔ JSON, field by field as the interface description has them.
//
// from_json() throws nlohmann::json::exception or std::invalid_argument on what does not fit; the
// one place that calls it (decode() below) turns that into an error.
#pragma once

#include <stdexcept>

#include <nlohmann/json.hpp>

#include "fwd/control_types.hpp"

namespace doorward {

void to_json(nlohmann::json& j, const Status& status);
void from_json(const nlohmann::json& j, Status& status);
void to_json(nlohmann::json& j, const RuleList& list);
void from_json(const nlohmann::json& j, RuleList& list);
void to_json(nlohmann::json& j, const RuleExport& exported);
void from_json(const nlohmann::json& j, RuleExport& exported);
void to_json(nlohmann::json& j, const RuleChange& change);
void from_json(const nlohmann::json& j, RuleChange& change);
void to_json(nlohmann::json& j, const Undone& undone);
void from_json(const nlohmann::json& j, Undone& undone);
void to_json(nlohmann::json& j, const Applied& applied);
void from_json(const nlohmann::json& j, Applied& applied);
void to_json(nlohmann::json& j, const Reloaded& reloaded);
void from_json(const nlohmann::json& j, Reloaded& reloaded);
void to_json(nlohmann::json& j, const FlowQuestion& question);
void to_json(nlohmann::json& j, const Explanation& explanation);
void from_json(const nlohmann::json& j, Explanation& explanation);
void to_json(nlohmann::json& j, const OpenFlow& flow);
void from_json(const nlohmann::json& j, OpenFlow& flow);

template <class T>
Result<T> decode(const nlohmann::json& parameters, const std::string& member) {
    try {
        return parameters.at(member).get<T>();
    } catch (const std::exception& error) {
        return fail("the daemon's answer does not fit: " + member + ": " + error.what(),
                    "is doorward of the same version as doorwardd?");
    }
}

}  // namespace doorward
