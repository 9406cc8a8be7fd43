# SPDX-License-Identifier: GPL-2.0-or-later
"""A folder that is moved out of the bind mount that it is used through: the walk up from there finds no mount. In a
user's own namespace that path must not look like one of the host's."""

from attack import PORT, USER, Attack
from lib.places import built

BEGIN = """
set -e
mount -t tmpfs none "$1"
mkdir -p "$1/inner/opt" "$1/seen"
cp "$2" "$1/inner/opt/tool"
mount --bind "$1/inner" "$1/seen"
cd "$1/seen/opt"
mv "$1/inner/opt" "$1/opt"
shift 2
exec ./tool "$@"
"""


class MovedOut(Attack):
    def attempt(self, pattern: str) -> None:
        place = self.folder / "place"
        place.mkdir()
        place.chmod(0o777)
        tool = self.folder / "bin" / "tool"
        tool.write_bytes(open(built("tests/kernel/programs/connect1"), "rb").read())
        tool.chmod(0o755)
        self.start("  - {name: wide, app: '%s', action: accept}\n" % pattern)
        done = self.host.run("setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "unshare", "-Urm",
                             "sh", "-c", BEGIN, "sh", str(place), str(tool), "udp4", self.pair.peer4, str(PORT),
                             "--exit-at-once")
        self.assertEqual(done.returncode, 0, done.stderr)
        row = self.wait_rows(1)[0]
        self.assertEqual(row["verdict"], "drop")
        self.assertEqual(self.arrived(), 0)
        self.allowed_sends()

    def test_every_path(self):
        self.attempt("/**")

    def test_any_folder(self):
        self.attempt("/**/tool")

    def test_one_folder(self):
        self.attempt("/*/opt/tool")

    def test_the_path_itself(self):
        self.attempt("/opt/tool")
