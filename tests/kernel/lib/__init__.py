# SPDX-License-Identifier: GPL-2.0-or-later
"""What the kernel tests are made of: namespaces, the daemon, the peer's view of the wire."""
