# SPDX-License-Identifier: GPL-2.0-or-later
"""Waiting for something to come true: long enough for a slow machine, not for ever."""

import time

PATIENCE_S = 60


def wait_for(wanted, ask, seconds: float = PATIENCE_S) -> None:
    """Asks until the answer is `wanted`."""
    deadline = time.monotonic() + seconds
    while (got := ask()) != wanted:
        if time.monotonic() > deadline:
            raise AssertionError(f"still {got}, not {wanted}, after {seconds} s")
        time.sleep(0.05)


def wait_until(ask, seconds: float = PATIENCE_S) -> None:
    """Asks until the answer is true."""
    wait_for(True, lambda: bool(ask()), seconds)
