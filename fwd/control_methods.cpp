// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/control_methods.hpp"

#include <array>

#include "fwd/call_types.hpp"
#include "fwd/control_interface.hpp"
#include "fwd/control_json.hpp"
#include "fwd/rule_json.hpp"

namespace doorward {
namespace {

using nlohmann::json;

struct Context {
    Controlled& controlled;
    const std::string& version;
    CallParameters parameters;
};

std::string qualified(std::string_view name) {
    return std::string(control_interface_name) + "." + std::string(name);
}

Reply error_reply(std::string_view name, std::string message) {
    return {.error = qualified(name), .parameters = {{"message", std::move(message)}}};
}

Reply service_error(std::string_view name, const std::string& key, const std::string& value) {
    return {.error = "org.varlink.service." + std::string(name), .parameters = {{key, value}}};
}

Reply invalid_parameter(const std::string& name) {
    return service_error("InvalidParameter", "parameter", name);
}

std::string_view error_name(ControlFailure::Kind kind) {
    switch (kind) {
        case ControlFailure::Kind::rule_not_found: return "RuleNotFound";
        case ControlFailure::Kind::rule_exists: return "RuleExists";
        case ControlFailure::Kind::invalid_rule: return "InvalidRule";
        case ControlFailure::Kind::candidate_refused: return "CandidateRefused";
        case ControlFailure::Kind::trial_pending: return "TrialPending";
        case ControlFailure::Kind::nothing_pending: return "NothingPending";
        case ControlFailure::Kind::nothing_to_undo: return "NothingToUndo";
        case ControlFailure::Kind::flow_kept: return "FlowKept";
        case ControlFailure::Kind::reload_failed: return "ReloadFailed";
        case ControlFailure::Kind::failed: break;
    }
    return "Failed";
}

template <class T>
Reply answer(const std::string& member, const Controlling<T>& result) {
    if (!result) return error_reply(error_name(result.error().kind), result.error().error.text());
    return {.error = {}, .parameters = {{member, *result}}};
}

Reply get_info(Context& context) {
    return {.error = {},
            .parameters = {{"vendor", "Doorward"},
                           {"product", "doorwardd"},
                           {"version", context.version},
                           {"url", ""},
                           {"interfaces", {"org.varlink.service", control_interface_name}}}};
}

Reply get_interface_description(Context& context) {
    const auto name = context.parameters.text("interface");
    if (!context.parameters.complete()) return invalid_parameter(context.parameters.wrong());
    if (name == control_interface_name)
        return {.error = {}, .parameters = {{"description", control_interface()}}};
    if (name == "org.varlink.service")
        return {.error = {}, .parameters = {{"description", varlink_service_interface()}}};
    return service_error("InterfaceNotFound", "interface", name);
}

Reply get_status(Context& context) {
    return {.error = {}, .parameters = {{"status", context.controlled.status()}}};
}

Reply list_rules(Context& context) {
    return {.error = {}, .parameters = {{"list", context.controlled.rules()}}};
}

Reply export_all_rules(Context& context) {
    return {.error = {}, .parameters = {{"export", context.controlled.export_rules()}}};
}

Reply add_rule(Context& context) {
    const json object = context.parameters.object("rule");
    const auto position = context.parameters.one_of("position", {"first", "last"});
    const Lifetime lifetime = read_lifetime(context.parameters);
    if (!context.parameters.complete()) return invalid_parameter(context.parameters.wrong());
    const auto rule = rule_from_json(object);
    if (!rule) return error_reply("InvalidRule", rule.error().text());
    return answer("change", context.controlled.add_rule(*rule, position == "first", lifetime));
}

Reply remove_rule(Context& context) {
    const auto name = context.parameters.text("name");
    if (!context.parameters.complete()) return invalid_parameter(context.parameters.wrong());
    return answer("change", context.controlled.remove_rule(name));
}

Reply set_rule_enabled(Context& context) {
    const auto name = context.parameters.text("name");
    const bool enabled = context.parameters.flag("enabled");
    if (!context.parameters.complete()) return invalid_parameter(context.parameters.wrong());
    return answer("change", context.controlled.set_rule_enabled(name, enabled));
}

Reply undo_change(Context& context) {
    return answer("undone", context.controlled.undo_change());
}

Reply apply_rules(Context& context) {
    constexpr std::int64_t longest_trial = 86400;
    ApplyRequest request;
    request.folder = context.parameters.text("folder");
    if (const auto time = context.parameters.optional_integer("confirm", 1, longest_trial))
        request.confirm_s = static_cast<std::uint32_t>(*time);
    const json session = context.parameters.optional_object("session");
    if (!context.parameters.complete()) return invalid_parameter(context.parameters.wrong());
    if (!session.is_null()) {
        CallParameters members(session);
        request.session = read_session(members);
        if (!members.complete()) return invalid_parameter("session." + members.wrong());
    }
    return answer("applied", context.controlled.apply(request));
}

Reply confirm_rules(Context& context) {
    return answer("applied", context.controlled.confirm());
}

Reply revert_rules(Context& context) { return answer("reloaded", context.controlled.revert()); }

Reply reload(Context& context) { return answer("reloaded", context.controlled.reload()); }

Reply set_mode(Context& context) {
    const auto mode = context.parameters.one_of("mode", {"observe", "enforce"});
    if (!context.parameters.complete()) return invalid_parameter(context.parameters.wrong());
    const auto done =
        context.controlled.set_mode(mode == "enforce" ? Mode::enforce : Mode::observe);
    if (!done) return error_reply(error_name(done.error().kind), done.error().error.text());
    return {};
}

Reply explain(Context& context) {
    const json object = context.parameters.object("question");
    if (!context.parameters.complete()) return invalid_parameter(context.parameters.wrong());
    CallParameters members(object);
    const FlowQuestion question = read_question(members);
    if (!members.complete()) return invalid_parameter("question." + members.wrong());
    return answer("explanation", context.controlled.explain(question));
}

Reply list_flows(Context& context) { return answer("flows", context.controlled.flows()); }

Reply cut_flow(Context& context) {
    const json object = context.parameters.object("flow");
    if (!context.parameters.complete()) return invalid_parameter(context.parameters.wrong());
    CallParameters members(object);
    const FlowEnds ends = read_ends(members);
    if (!members.complete()) return invalid_parameter("flow." + members.wrong());
    const auto done = context.controlled.cut_flow(ends);
    if (!done) return error_reply(error_name(done.error().kind), done.error().error.text());
    return {};
}

struct Method {
    std::string_view name;
    Access needed;
    bool has_parameters;
    Reply (*run)(Context&);
};

constexpr std::array methods{
    Method{"org.varlink.service.GetInfo", Access::none, false, get_info},
    Method{"org.varlink.service.GetInterfaceDescription", Access::none, true,
           get_interface_description},
    Method{"org.doorward.Control.GetStatus", Access::read, false, get_status},
    Method{"org.doorward.Control.ListRules", Access::read, false, list_rules},
    Method{"org.doorward.Control.ExportRules", Access::read, false, export_all_rules},
    Method{"org.doorward.Control.AddRule", Access::change, true, add_rule},
    Method{"org.doorward.Control.RemoveRule", Access::change, true, remove_rule},
    Method{"org.doorward.Control.SetRuleEnabled", Access::change, true, set_rule_enabled},
    Method{"org.doorward.Control.UndoChange", Access::change, false, undo_change},
    Method{"org.doorward.Control.ApplyRules", Access::change, true, apply_rules},
    Method{"org.doorward.Control.ConfirmRules", Access::change, false, confirm_rules},
    Method{"org.doorward.Control.RevertRules", Access::change, false, revert_rules},
    Method{"org.doorward.Control.Reload", Access::change, false, reload},
    Method{"org.doorward.Control.SetMode", Access::change, true, set_mode},
    Method{"org.doorward.Control.Explain", Access::read, true, explain},
    Method{"org.doorward.Control.ListFlows", Access::read, false, list_flows},
    Method{"org.doorward.Control.CutFlow", Access::change, true, cut_flow},
};

Reply not_found(const std::string& method) {
    const std::string interface = method.substr(0, method.find_last_of('.'));
    if (interface == control_interface_name || interface == "org.varlink.service")
        return service_error("MethodNotFound", "method", method);
    return service_error("InterfaceNotFound", "interface", interface);
}

Reply denied(Access needed) {
    return error_reply("PermissionDenied", needed == Access::change
                                               ? "only root and the change group may do this"
                                               : "only root and the read group may ask this");
}

}  // namespace

Reply ControlMethods::call(const Call& call, Access access) const {
    for (const Method& method : methods) {
        if (method.name != call.method) continue;
        if (call.upgrade) return service_error("MethodNotImplemented", "method", call.method);
        if (access < method.needed) return denied(method.needed);
        Context context{controlled_, version_, CallParameters(call.parameters)};
        if (!method.has_parameters && !context.parameters.complete())
            return invalid_parameter(context.parameters.wrong());
        try {
            return method.run(context);
        } catch (const std::exception& error) {
            return error_reply("Failed", std::string("internal error: ") + error.what());
        }
    }
    return not_found(call.method);
}

std::vector<std::string> ControlMethods::names() {
    std::vector<std::string> names;
    for (const Method& method : methods) names.emplace_back(method.name);
    return names;
}

}  // namespace doorward
