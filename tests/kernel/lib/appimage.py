# SPDX-License-Identifier: GPL-2.0-or-later
"""AppImages made on the spot, by a runtime of our own with a squashfs behind it, and FUSE mounts."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from .places import built

MARK = b"AI\x02"  # in the ELF header, from byte 8 on


def why_not() -> str:
    """Why there can be no AppImages here; empty if there can."""
    for tool in ("squashfuse", "mksquashfs"):
        if not shutil.which(tool):
            return f"{tool} is not installed"
    # Without udev nothing makes /dev/fuse before the module is in.
    subprocess.run(["sh", "-c", "modprobe fuse"], capture_output=True, check=False)
    return "" if Path("/dev/fuse").exists() else "this kernel has no FUSE"


def squashfs(path: Path, files: dict) -> Path:
    """`files`: name → the program to copy there, the text of a script, or (target,) of a link."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        for name, what in files.items():
            file = Path(folder) / name
            file.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(what, tuple):
                file.symlink_to(*what)
                continue
            if what.startswith("#!"):
                file.write_text(what)
            else:
                shutil.copy(what, file)
            file.chmod(0o755)
        subprocess.run(["mksquashfs", folder, str(path), "-noappend", "-quiet", "-no-progress"],
                       check=True, capture_output=True, timeout=60)
    return path


def appimage(path: Path, files: dict, mark: bytes = MARK) -> str:
    """Makes the AppImage; `files` needs an AppRun."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = squashfs(path.with_suffix(".squashfs"), files)
    runtime = bytearray(Path(built("tests/kernel/programs/appimage")).read_bytes())
    runtime[8:8 + len(mark)] = mark
    path.write_bytes(bytes(runtime) + image.read_bytes())
    path.chmod(0o755)
    image.unlink()
    return str(path)


def mount(image: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["squashfuse", str(image), str(folder)], check=True, timeout=30)


def unmount_below(folder: Path) -> None:
    """Ends the servers, too."""
    for line in reversed(Path("/proc/self/mounts").read_text().splitlines()):
        place = line.split()[1]
        if place.startswith(f"{folder}/"):
            subprocess.run(["umount", "--lazy", place], check=False, timeout=30)
