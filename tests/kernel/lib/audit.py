# SPDX-License-Identifier: GPL-2.0-or-later
"""The audit log, read while the daemon writes it."""

import sqlite3
import time
from pathlib import Path


class Audit:
    def __init__(self, path: Path, table: str = "decisions"):
        self.path = path
        self.table = table

    def query(self, sql: str, *values) -> list[dict]:
        connection = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=10)
        try:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(sql, values)]
        finally:
            connection.close()

    def rows(self, where: str = "1", *values) -> list[dict]:
        return self.query(f"SELECT * FROM {self.table} WHERE {where} ORDER BY rowid", *values)

    def wait_rows(self, count: int, where: str = "1", *values, timeout: float = 60) -> list[dict]:
        """The rows that meet `where`, once there are `count`; they are written in batches."""
        deadline = time.monotonic() + timeout
        while True:
            rows = self.rows(where, *values) if self.path.exists() else []
            if len(rows) >= count:
                return rows
            if time.monotonic() > deadline:
                raise AssertionError(f"{len(rows)} of {count} rows where {where} {values} "
                                     f"after {timeout} s; the log has {len(self.rows())} rows")
            time.sleep(0.1)
