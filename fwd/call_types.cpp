// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/call_types.hpp"

namespace doorward {
namespace {

Address read_address(CallParameters& members, const char* name) {
    const auto known = Address::parse(members.text(name));
    if (!known) members.refuse(name);
    return known.value_or(Address{});
}

// 0 if it is not there.
std::uint16_t read_port(CallParameters& members, const char* name) {
    return static_cast<std::uint16_t>(members.optional_integer(name, 0, 65535).value_or(0));
}

}  // namespace

Lifetime read_lifetime(CallParameters& parameters) {
    Lifetime lifetime;
    const auto until = parameters.optional_text("until");
    const auto pid = parameters.optional_integer("pid", 1, INT32_MAX);
    const auto started = parameters.optional_integer("started", 0, INT64_MAX);
    if (until == "restart") lifetime.until = Lifetime::Until::restart;
    else if (until == "exit") lifetime.until = Lifetime::Until::exit;
    else if (until) parameters.refuse("until");
    const bool needs_pid = lifetime.until == Lifetime::Until::exit;
    if (pid.has_value() != needs_pid) parameters.refuse("pid");
    if (started && !needs_pid) parameters.refuse("started");
    if (pid) lifetime.pid = static_cast<std::uint32_t>(*pid);
    if (started) lifetime.started = static_cast<std::uint64_t>(*started);
    return lifetime;
}

ControlSession read_session(CallParameters& members) {
    ControlSession session;
    session.local = read_address(members, "local");
    session.remote = read_address(members, "remote");
    session.local_port = read_port(members, "local_port");
    session.remote_port = read_port(members, "remote_port");
    if (session.local_port == 0) members.refuse("local_port");
    if (session.remote_port == 0) members.refuse("remote_port");
    return session;
}

FlowQuestion read_question(CallParameters& members) {
    FlowQuestion question;
    if (const auto direction = members.optional_text("direction")) {
        const auto known = parse_direction(*direction);
        if (!known) members.refuse("direction");
        question.direction = known.value_or(Direction::out);
    }
    question.app = members.optional_text("app");
    question.unknown = members.optional_text("unknown");
    if (const auto pid = members.optional_integer("pid", 1, INT32_MAX))
        question.pid = static_cast<std::uint32_t>(*pid);
    question.user = members.optional_text("user").value_or(question.user);
    question.group = members.optional_text("group").value_or(question.group);
    question.unit = members.optional_text("unit");
    question.slice = members.optional_text("slice");
    question.container = members.optional_text("container");
    question.parent = members.optional_text("parent");
    question.script = members.optional_text("script");
    question.injected = members.optional_text("injected");
    question.protocol = members.optional_text("protocol").value_or(question.protocol);
    question.to = members.optional_text("to");
    question.from = members.optional_text("from");
    question.port =
        static_cast<std::uint16_t>(members.optional_integer("port", 0, 65535).value_or(0));
    question.domain = members.optional_text("domain");
    question.interface = members.optional_text("interface");
    return question;
}

FlowEnds read_ends(CallParameters& members) {
    FlowEnds ends;
    const auto direction = parse_direction(members.text("direction"));
    if (!direction) members.refuse("direction");
    const auto protocol = parse_protocol(members.text("protocol"));
    if (!protocol) members.refuse("protocol");
    ends.direction = direction.value_or(Direction::out);
    ends.protocol = protocol.value_or(Protocol{});
    ends.local = read_address(members, "local");
    ends.remote = read_address(members, "remote");
    ends.local_port = read_port(members, "local_port");
    ends.remote_port = read_port(members, "remote_port");
    ends.pid = static_cast<std::uint32_t>(members.optional_integer("pid", 0, INT32_MAX).value_or(0));
    return ends;
}

}  // namespace doorward
