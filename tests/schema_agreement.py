#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The schema of rule files against the loader: schema_agreement.py DOORWARD.

What the loader accepts the schema must accept, in the examples, the seeds of the fuzz targets and the
table below; and of the table, what each of the two says is written beside it."""
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import jsonschema
import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent


class Loader(yaml.SafeLoader):
    """Types as editors see them: those of YAML 1.2, without times, octals and `yes`."""
    yaml_implicit_resolvers = {}


for tag, pattern, first in (
        ("null", r"^(~|null|Null|NULL|)$", ["~", "n", "N", ""]),
        ("bool", r"^(true|True|TRUE|false|False|FALSE)$", list("tTfF")),
        ("int", r"^[-+]?[0-9]+$", list("-+0123456789")),
        ("float", r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$", list("-+.0123456789"))):
    Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(pattern), first)


def rule(keys):
    return f"rules:\n  - name: a\n    action: drop\n    {keys}\n"


# Text, whether the schema accepts it, whether the loader does.
TABLE = [
    ("", True, True),
    ("rules:", True, True),
    ("rules: []\nsets: {}\nprofiles:\n", True, True),
    ("rules: 5", False, False),
    ("rules: {}", False, False),
    ("[]", False, False),
    ("colour: red", False, False),
    ("rules: [5]", False, False),
    ("rules:\n  - name: a\n", False, False),
    ("rules:\n  - action: drop\n", False, False),
    (rule("colour: red"), False, False),
    (rule("action2: drop"), False, False),
    ("rules: [{name: a, action: maybe}]", False, False),
    ("rules: [{name: [a], action: drop}]", False, False),
    ("rules: [{name: 1, action: drop}]", True, True),
    ("rules: [{name: 1.5, action: drop}]", True, True),
    ("rules: [{name: 'a b', action: drop}]", False, False),
    (rule("enabled: true"), True, True),
    (rule("enabled: 'false'"), True, True),
    (rule("enabled: yes"), False, False),
    (rule("log: journal"), True, True),
    (rule("log: loud"), False, False),
    (rule("tags: [a, b]"), True, True),
    (rule("tags: []"), False, False),
    (rule("tags: A"), False, False),
    (rule("comment: 5"), True, True),
    (rule("comment: ''"), True, True),
    (rule("comment:"), False, False),
    (rule("comment: [a]"), False, False),
    (rule("expires: 2030-01-01T00:00:00Z"), True, True),
    (rule("expires: soon"), True, False),
    (rule("app: /usr/bin/curl"), True, True),
    (rule("app: 'unknown:kernel'"), True, True),
    (rule("app: ['user:/app/bin/mail', 'user:/**']"), True, True),
    (rule("app: 'user:mail'"), False, False),
    (rule("app: curl"), False, False),
    (rule("app: []"), False, False),
    (rule("app: [[/a]]"), False, False),
    (rule("app: {a: b}"), False, False),
    (rule("parent: unknown"), False, False),
    (rule("parent: 'user:/usr/bin/make'"), True, True),
    (rule("app: /a\n    script: 'user:/a.py'"), True, True),
    (rule("app: /a\n    script: 'module:a'"), True, True),
    (rule("app: /a\n    script: a"), False, False),
    (rule("user: [0, 1000]"), True, True),
    (rule("unit: ssh.service"), True, True),
    (rule(f"sha256: {'0' * 64}"), True, True),
    (rule(f"sha256: [{'aA' * 32}]"), True, True),
    (rule("sha256: aa"), False, False),
    (rule("verity: 'md5:aa'"), False, False),
    (rule("direction: out"), True, True),
    (rule("direction: [out]"), False, False),
    (rule("direction: up"), False, False),
    (rule("protocol: [tcp, udp, icmp, icmpv6, sctp, udplite, 47, '47']"), True, True),
    (rule("protocol: 256"), False, False),
    (rule("protocol: http"), False, False),
    (rule("to: [10.0.0.0/8, lan, 2001:db8::1]"), True, True),
    (rule("port: [80, '443', 8000-8080]"), True, True),
    (rule("port: 65536"), False, False),
    (rule("port: -1"), False, False),
    (rule("port: http"), False, False),
    (rule("port: 80-"), False, False),
    (rule("domain: '*.example.org'"), True, True),
    (rule("interface: eth0"), True, True),
    (rule("when: [mon-fri 08:00-17:30, sat]"), True, True),
    (rule("not: {port: 80}"), True, True),
    (rule("not: {}"), False, False),
    (rule("not: {action: drop}"), False, False),
    (rule("not: 5"), False, False),
    ("rules: [{app: /a, rules: [{name: a, action: drop}]}]", True, True),
    ("rules: [{name: g, tags: t, enabled: false, rules: [{name: a, action: drop}]}]", True, True),
    ("rules: [{rules: []}]", False, False),
    ("rules: [{rules: }]", False, False),
    ("rules: [{action: drop, rules: [{name: a, action: drop}]}]", False, False),
    ("sets: {a: {ports: [80, 8000-8080]}, b: {addresses: lan}, c: {domains: 'file:/x'}}", True, None),
    ("sets: {a: {ports: 80, domains: a.org}}", False, False),
    ("sets: {a: {}}", False, False),
    ("sets: {a: {port: 80}}", False, False),
    ("sets: {A: {ports: 80}}", False, False),
    ("sets: {a: 5}", False, False),
    ("profiles: {home: {gateway: 192.0.2.1, interface: [wlan0, wl*]}}", True, True),
    ("profiles: {home: {gateway: here}}", True, False),
    ("profiles: {home: {}}", False, False),
    ("profiles: {home: {ssid: a}}", False, False),
]


class Agreement:
    def __init__(self, command):
        self.command = command
        schema = json.loads(self.run("schema").stdout)
        jsonschema.Draft7Validator.check_schema(schema)
        self.validator = jsonschema.Draft7Validator(schema)
        self.failures = []
        self.both = 0

    def run(self, *words):
        return subprocess.run([self.command, "rules", *words], capture_output=True, text=True,
                              timeout=30, check=False)

    def schema_accepts(self, text):
        try:
            return self.validator.is_valid(yaml.load(text, Loader))
        except yaml.YAMLError:
            return None  # nothing that an editor could hold against a schema

    def compare(self, path, text, schema=None, loader=None):
        said = self.schema_accepts(text)
        checked = self.run("check", str(path))
        loads = checked.returncode == 0
        self.both += bool(said and loads)
        if loads and said is False:
            self.failures.append(f"the loader accepts what the schema refuses: {path}\n{text}")
        if schema is not None and said != schema:
            self.failures.append(f"the schema says {said}, not {schema}:\n{text}")
        if loader is not None and loads != loader:
            self.failures.append(f"the loader says {loads}, not {loader}:\n{text}{checked.stderr}")


def main():
    agreement = Agreement(sys.argv[1])
    files = [path for folder in ("examples", "tests/fuzz/corpus/rules", "tests/fuzz/corpus/fmt")
             for path in sorted((ROOT / folder).rglob("*"))
             if path.is_file() and (folder != "examples" or path.parent.name == "rules.d")]
    with tempfile.TemporaryDirectory() as folder:
        for path in files:
            copy = pathlib.Path(folder) / "rules.yaml"
            copy.write_bytes(path.read_bytes())
            agreement.compare(copy, path.read_bytes().decode(errors="replace"),
                              True if "examples" in path.parts else None)
        for text, schema, loader in TABLE:
            copy.write_text(text, encoding="utf-8")
            agreement.compare(copy, text, schema, loader)
    print("\n".join(agreement.failures))
    print(f"{len(files)} files and {len(TABLE)} texts; {agreement.both} that both accept")
    return 1 if agreement.failures or agreement.both < 40 or len(files) < 15 else 0


if __name__ == "__main__":
    sys.exit(main())
