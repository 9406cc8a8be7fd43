// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/service_manager.hpp"

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>

#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-login.h>

#include "fwd/handle.hpp"

namespace doorward {
namespace {

constexpr std::uint64_t answer_timeout_us = 2'000'000;
// systemd's own end: there before the bus is, and still there when the bus has gone.
constexpr const char* address = "unix:path=/run/systemd/private";

using Bus = CHandle<sd_bus, sd_bus_flush_close_unref>;
using Reply = CHandle<sd_bus_message, sd_bus_message_unref>;
using Text = std::unique_ptr<char, decltype(&std::free)>;

Bus open_bus() {
    sd_bus* made = nullptr;
    if (sd_bus_new(&made) < 0) return {};
    Bus bus(made);
    if (sd_bus_set_address(made, address) < 0 || sd_bus_start(made) < 0 ||
        sd_bus_set_method_call_timeout(made, answer_timeout_us) < 0)
        return {};
    return bus;
}

std::optional<std::string> path_of_own_unit() {
    char* unit = nullptr;
    if (sd_pid_get_unit(0, &unit) < 0) return std::nullopt;
    const Text name(unit, &std::free);
    char* path = nullptr;
    if (sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit, &path) < 0) return std::nullopt;
    const Text encoded(path, &std::free);
    return std::string(path);
}

// What systemd is doing with the unit; empty if nothing, or if it does not say.
std::string job_type(sd_bus* bus, const std::string& unit) {
    sd_bus_message* got = nullptr;
    if (sd_bus_get_property(bus, nullptr, unit.c_str(), "org.freedesktop.systemd1.Unit", "Job", nullptr, &got,
                            "(uo)") < 0)
        return {};
    const Reply reply(got);
    std::uint32_t number = 0;
    const char* job = nullptr;
    if (sd_bus_message_read(got, "(uo)", &number, &job) < 0 || number == 0) return {};
    char* type = nullptr;
    if (sd_bus_get_property_string(bus, nullptr, job, "org.freedesktop.systemd1.Job", "JobType", nullptr, &type) < 0)
        return {};
    const Text text(type, &std::free);
    return type;
}

}  // namespace

bool being_restarted() {
    if (sd_booted() <= 0 || std::getenv("INVOCATION_ID") == nullptr) return false;
    const auto unit = path_of_own_unit();
    const Bus bus = open_bus();
    return unit && bus && job_type(bus.get(), *unit) == "restart";
}

}  // namespace doorward
