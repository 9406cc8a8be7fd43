// SPDX-License-Identifier: GPL-2.0-or-later
// What flow-peer answers on, counted from the port that it is given.
#pragma once

enum {
    port_accept = 0,    // TCP: accepts and closes at once
    port_denied = 1,    // the same; for rules that deny it, so that it is surely not the peer who refuses
    port_stream = 2,    // TCP: reads all and throws it away
    port_echo = 8,      // UDP, the first of echo_ports
    // A conntrack entry outlives its socket. With more ports a new socket rarely gets the tuple of one.
    echo_ports = 8,
};
