# SPDX-License-Identifier: GPL-2.0-or-later
"""The leak test: what is forbidden is attempted by the million, and counted on the other side of the wire."""
