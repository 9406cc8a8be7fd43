// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <pthread.h>
#include <signal.h>

namespace doorward {

// What another thread than the main one does not take: signals belong to the event loop. SIGSYS is this
// thread's own, as SIGSEGV is: if it could not be handled, it would end the process.
inline sigset_t signals_of_the_main_thread() {
    sigset_t all;
    ::sigfillset(&all);
    ::sigdelset(&all, SIGSYS);
    return all;
}

// For a thread to call first.
inline void block_signals() {
    const sigset_t all = signals_of_the_main_thread();
    ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

}  // namespace doorward
