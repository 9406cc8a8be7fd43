# SPDX-License-Identifier: GPL-2.0-or-later
"""A helper process in a namespace: one line in, one line of JSON out. Ends with its stdin."""

import json
import select
import subprocess
import sys
from pathlib import Path

from .namespace import Namespace

HERE = Path(__file__).resolve().parent


class Helper:
    def __init__(self, namespace: Namespace, script: str, *arguments: str):
        self.script = script
        self.process = namespace.start(sys.executable, "-u", str(HERE / script), *arguments,
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.read()  # its first line says that it is ready

    def read(self, timeout: float = 30):
        ready, _, _ = select.select([self.process.stdout], [], [], timeout)
        line = self.process.stdout.readline() if ready else ""
        if not line:
            self.process.kill()
            raise RuntimeError(f"{self.script} ended or is silent (status {self.process.wait()})")
        return json.loads(line)

    def ask(self, line: str):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.read()

    def stop(self) -> None:
        self.process.stdin.close()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
