# SPDX-License-Identifier: GPL-2.0-or-later
"""OpenSnitch's daemon in a world of ours: its own configuration, rules and log, and no window."""

import json
import shutil
import subprocess
import time
from pathlib import Path

from .rules import filler
from .world import DENIED, World

CONFIG_FOLDER = Path("/etc/opensnitchd")  # it reads default-config.json there and nowhere else
QUEUE = 0
CONFIG = {
    "DefaultAction": "deny", "DefaultDuration": "once", "InterceptUnknown": False,
    "ProcMonitorMethod": "proc", "LogLevel": 2, "Firewall": "nftables",
    "Stats": {"MaxEvents": 150, "MaxStats": 25},
}


def missing() -> str:
    """What is lacking to run it; '' if nothing is."""
    if not shutil.which("opensnitchd"):
        return "opensnitchd is not installed"
    return "" if CONFIG_FOLDER.is_dir() else f"there is no {CONFIG_FOLDER}"


def simple(operand: str, data: str, kind: str = "simple") -> dict:
    return {"type": kind, "operand": operand, "data": data, "sensitive": False, "list": []}


def rule(name: str, action: str, *operators: dict) -> dict:
    operator = operators[0] if len(operators) == 1 else {
        "type": "list", "operand": "list", "sensitive": False, "data": json.dumps(operators),
        "list": list(operators)}
    return {"created": "2024-01-01T00:00:00Z", "updated": "2024-01-01T00:00:00Z", "name": name,
            "enabled": True, "precedence": False, "action": action, "duration": "always",
            "operator": operator}


def rules(count: int, programs: list[str]) -> list[dict]:
    """As rules.doorward(); it reads them in the order of their names, and the last permission counts."""
    found = []
    for number in range(count):
        program, network, port = filler(number)
        found.append(rule(f"absent-{number:07d}", "allow", simple("process.path", program),
                          simple("dest.network", network, "network"), simple("dest.port", str(port))))
    for number, program in enumerate(programs):
        path = simple("process.path", program)
        found += [rule(f"bench-{number}-denied", "reject", path, simple("dest.port", str(DENIED))),
                  rule(f"bench-{number}-other", "allow", path)]
    return found


def start(world: World, count: int) -> subprocess.Popen:
    """Ready when it returns: it has read its rules and serves the queue."""
    folder = world.folder / "opensnitch"
    (folder / "etc").mkdir(parents=True)
    (folder / "rules").mkdir()
    config = {**CONFIG, "Server": {"Address": f"unix://{folder}/nobody.sock",
                                   "LogFile": str(folder / "opensnitchd.log")}}
    (folder / "etc" / "default-config.json").write_text(json.dumps(config))
    (folder / "etc" / "system-fw.json").write_text('{"SystemRules": []}')
    for one in rules(count, [world.load, world.connect]):
        (folder / "rules" / f"{one['name']}.json").write_text(json.dumps(one))
    script = 'mount --bind "$1/etc" "$2" && exec opensnitchd -rules-path "$1/rules" -queue-num "$3"'
    with open(folder / "output", "wb") as output:
        process = world.host.start("unshare", "--mount", "sh", "-c", script, "sh", str(folder),
                                   str(CONFIG_FOLDER), str(QUEUE), stdout=output, stderr=output)
    try:
        wait_ready(world, process, folder)
    except BaseException:
        stop(process)
        raise
    return process


def wait_ready(world: World, process: subprocess.Popen, folder: Path, seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while True:
        queues = world.host.run("cat", "/proc/net/netfilter/nfnetlink_queue").stdout.splitlines()
        if any(int(line.split()[0]) == QUEUE for line in queues):
            return
        if process.poll() is not None or time.monotonic() > deadline:
            said = "".join(path.read_text(errors="replace")[-600:]
                           for path in (folder / "output", folder / "opensnitchd.log") if path.exists())
            raise RuntimeError(f"opensnitchd did not serve its queue: {said}")
        time.sleep(0.1)


def stop(process: subprocess.Popen) -> None:
    process.terminate()
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
