// SPDX-License-Identifier: GPL-2.0-or-later
#include "fwd/capabilities.hpp"

#include <memory>

#include <linux/capability.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fwd/handle.hpp"

namespace doorward {
namespace {

constexpr int most = 64;

// Of one kind, as the kernel cuts it in two.
struct Sets {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct half[_LINUX_CAPABILITY_U32S_3]{};
};

Capabilities joined(std::uint32_t low, std::uint32_t high) { return Capabilities{high} << 32 | low; }

// The kernel answers EINVAL for numbers that it doesn't know.
bool is_bounded_by(int number) { return ::prctl(PR_CAPBSET_READ, number, 0, 0, 0) == 1; }

Result<void> shrink_bounding_set(Capabilities wanted) {
    for (int number = 0; number < most; ++number) {
        if (wanted >> number & 1 || !is_bounded_by(number)) continue;
        if (::prctl(PR_CAPBSET_DROP, number, 0, 0, 0) != 0 && errno != EPERM)
            return sys_fail("give up capabilities of later programs");
    }
    return {};
}

}  // namespace

Result<HeldCapabilities> held_capabilities() {
    Sets sets;
    if (::syscall(SYS_capget, &sets.header, sets.half) != 0) return sys_fail("look at capabilities");
    HeldCapabilities held{.effective = joined(sets.half[0].effective, sets.half[1].effective),
                          .permitted = joined(sets.half[0].permitted, sets.half[1].permitted),
                          .inheritable = joined(sets.half[0].inheritable, sets.half[1].inheritable)};
    for (int number = 0; number < most; ++number)
        if (is_bounded_by(number)) held.bounding |= Capabilities{1} << number;
    return held;
}

Result<void> keep_capabilities(Capabilities wanted) {
    const auto before = held_capabilities();
    if (!before) return std::unexpected(before.error());
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return sys_fail("keep from new privileges");
    if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
        return sys_fail("give up ambient capabilities");
    if (auto shrunk = shrink_bounding_set(wanted); !shrunk) return shrunk;
    const Capabilities kept = before->permitted & wanted;
    Sets sets;
    for (int part = 0; part < _LINUX_CAPABILITY_U32S_3; ++part)
        sets.half[part].effective = sets.half[part].permitted =
            static_cast<std::uint32_t>(kept >> (32 * part));
    if (::syscall(SYS_capset, &sets.header, sets.half) != 0) return sys_fail("give up capabilities");
    // Not taken on trust.
    const auto after = held_capabilities();
    if (!after) return std::unexpected(after.error());
    if (after->effective != kept || after->permitted != kept || after->inheritable != 0)
        return fail("capabilities that were given up are still there");
    return {};
}

std::vector<std::string> capability_names(Capabilities set) {
    std::vector<std::string> names;
    for (int number = 0; number < most; ++number) {
        if (!(set >> number & 1)) continue;
        const std::unique_ptr<char, int (*)(void*)> name(::cap_to_name(number), ::cap_free);
        names.emplace_back(name ? name.get() : std::to_string(number));
    }
    return names;
}

}  // namespace doorward
