#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes the seeds of the fuzz targets: make_corpus.py [FOLDER] (default: corpus/ beside this)."""
import json
import pathlib
import struct
import sys

V4 = bytes([192, 0, 2, 1]), bytes([203, 0, 113, 7])
V6 = bytes.fromhex("20010db8" + "00" * 11 + "01"), bytes.fromhex("20010db8" + "00" * 11 + "02")


def ipv4(protocol, payload, options=b"", fragment=0):
    words = 5 + len(options) // 4
    total = 20 + len(options) + len(payload)
    head = struct.pack("!BBHHHBBH", 0x40 | words, 0, total, 0, fragment, 64, protocol, 0)
    return head + V4[0] + V4[1] + options + payload


def ipv6(protocol, payload):
    return struct.pack("!IHBB", 6 << 28, len(payload), protocol, 64) + V6[0] + V6[1] + payload


def tcp(flags=2, options=b""):
    words = 5 + len(options) // 4
    return struct.pack("!HHIIBBHHH", 40000, 443, 1, 0, words << 4, flags, 64240, 0, 0) + options


def udp(payload=b"\x00" * 12):
    return struct.pack("!HHHH", 5353, 53, 8 + len(payload), 0) + payload


def echo(kind):
    return struct.pack("!BBHHH", kind, 0, 0, 4711, 1) + b"ping"


def extension(following, words):
    return bytes([following, words]) + bytes(6 + 8 * words)


PACKETS = {
    "v4-tcp-syn": ipv4(6, tcp(options=bytes.fromhex("020405b4"))),
    "v4-tcp-options": ipv4(6, tcp(), options=b"\x01" * 8),
    "v4-udp": ipv4(17, udp()),
    "v4-udplite": ipv4(136, udp()),
    "v4-sctp": ipv4(132, struct.pack("!HHII", 1, 2, 3, 4) + b"\x01\x00\x00\x04"),
    "v4-echo": ipv4(1, echo(8)),
    "v4-first-fragment": ipv4(17, udp(), fragment=0x2000),
    "v4-later-fragment": ipv4(17, udp(), fragment=0x00B9),
    "v4-gre": ipv4(47, b"\x00" * 4),
    "v4-cut": ipv4(6, tcp())[:30],
    "v6-tcp-syn": ipv6(6, tcp()),
    "v6-udp": ipv6(17, udp()),
    "v6-echo": ipv6(58, echo(128)),
    "v6-extensions": ipv6(0, extension(43, 0) + extension(60, 2) + extension(6, 0) + tcp()),
    "v6-fragment": ipv6(44, bytes([17, 0, 0, 1, 0, 0, 0, 9]) + udp()),
    "v6-authentication": ipv6(51, bytes([17, 4]) + b"\x00" * 22 + udp()),
}

CONFIGS = {
    "defaults": b"mode: enforce\ndefaults:\n  out: reject\n  in: drop\n",
    "flow-style": b"{mode: observe, limits: {bindings: 65536, processes: 1}, queue: 4870}\n",
    "quoted": b"rules_dir: \"/etc/door\\x77ard\"\ndatabase: '/var/lib/it''s.db'\n",
    "mask": b"mark_mask: 0x7f000000\nhooks: auto\nloopback: filter\n",
    "groups": b"groups:\n  read: doorward\n  change: doorward-admin\nretention: {days: 3}\n",
    "block-scalar": b"rules_dir: |\n  /etc/doorward\n  /rules\n",
    "anchors": b"mode: &a observe\nhooks: *a\n",
    "tags": b"queue: !!int 5\n",
    "documents": b"---\nmode: observe\n...\n---\nmode: enforce\n",
    "duplicate": b"mode: observe\nmode: enforce\n",
    "open-quote": b"mode: \"observe\nqueue: 5\n",
    "deep": b"[" * 40 + b"]" * 40,
    "complex-key": b"? [a, {b: c}]\n: - d\n",
    "unicode": "rules_dir: /etc/tür\r\n".encode(),
}


CONTROL_GROUPS = {
    "service": b"/system.slice/ssh.service",
    "user": b"/user.slice/user-1000.slice/user@1000.service/app.slice/app-foo.scope",
    "docker": b"/system.slice/docker-" + b"0123456789abcdef" * 4 + b".scope",
    "podman": b"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-"
              + b"0123456789abcdef" * 4 + b".scope/container",
    "split": b"/system.slice/web.service/libpod-payload-" + b"0123456789abcdef" * 4,
    "pods": b"/kubepods/besteffort/pod1-2/" + b"0123456789abcdef" * 4,
    "lxc": b"/lxc.payload.web/system.slice/_cpu.service",
    "machine": b"/machine.slice/machine-web\\x2d1.scope",
    "flatpak": b"/user.slice/user@1.service/app.slice/app-flatpak-org.mozilla.firefox-4242.scope",
    "snap": b"/system.slice/snap.lxd.daemon.service",
}


def dns_name(text):
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".")) + b"\0"


def dns(kind=1, records=(), flags=0x8180):
    head = struct.pack("!HHHHHH", 0x1234, flags, 1, len(records), 0, 0)
    return head + dns_name("www.example.org") + struct.pack("!HH", kind, 1) + b"".join(records)


def record(kind, data, owner=b"\xc0\x0c"):
    return owner + struct.pack("!HHIH", kind, 1, 300, len(data)) + data


def parameter(key, value):
    return struct.pack("!HH", key, len(value)) + value


A, AAAA = V4[1], V6[1]
DNS = {
    "query": dns(flags=0x0100),
    "a": dns(1, [record(1, A), record(1, V4[0])]),
    "aaaa": dns(28, [record(28, AAAA)]),
    "cname": dns(1, [record(5, b"\x04edge\xc0\x10"), record(1, A, b"\x04edge\xc0\x10")]),
    "https": dns(65, [record(65, b"\0\1\0" + parameter(1, b"\2h3") + parameter(4, A) +
                             parameter(6, AAAA))]),
    "https-alias": dns(65, [record(65, b"\0\0" + dns_name("svc.example.net"))]),
    "other": dns(15, [record(15, b"\0\x0a\xc0\x0c"), record(16, b"\3abc")]),
    "error": dns(flags=0x8183),
    "circle": dns(1, [record(1, A, b"\1a\xc0\x21")]),
    "packet": ipv4(17, udp(dns(1, [record(1, A)]))),
    "stream": b"\x07" + struct.pack("!H", len(dns())) + dns() + struct.pack("!H", 33) + dns(),
}

NAMES = {
    "resolv": b"search a.example\nnameserver 192.0.2.53\nnameserver fe80::1%eth0 # x\n",
    "hosts": b"127.0.0.1 localhost\n192.0.2.7\tPrinter.example printer # x\n::1 ip6-localhost\n",
    "name": b"WWW.Example.org.",
    "domain": b"*.example.org",
    "scripts": "b\u00fccher.example".encode(),
}


def started(program, *arguments):
    """The first byte chooses the program: see fuzz_script.cpp."""
    return bytes([program]) + b"".join(argument.encode() + b"\0" for argument in arguments)


SCRIPTS = {
    "python": started(0, "python3", "-u", "-W", "ignore", "/opt/run.py", "-c"),
    "python-module": started(0, "python3", "-m", "http.server"),
    "bash": started(1, "bash", "-euo", "pipefail", "+O", "extglob", "--norc", "x.sh"),
    "dash": started(2, "sh", "-e", "../x.sh"),
    "perl": started(4, "perl", "-l012n", "-I", "/lib", "-i.bak", "run.pl"),
    "ruby": started(5, "ruby", "-rset", "--disable=gems", "run.rb"),
    "node": started(6, "node", "--require", "m", "--max-old-space-size=9", "run.js"),
    "php": started(7, "php", "-da=b", "-f", "run.php"),
    "lua": started(8, "lua", "-l", "m", "run.lua"),
    "r": started(9, "R", "--no-echo", "--file=run.R", "--args"),
    "java": started(10, "java", "-cp", "/a", "-jar", "/opt/a.jar"),
    "busybox": started(11, "busybox", "sh", "-e", "./x.sh"),
    "cut": started(128, "python3", "/opt/run.py")[:-3],
}


def calls(*messages, piece=255):
    """The first byte is for the target: how long the pieces are in which the bytes arrive."""
    return bytes([piece]) + b"".join(message.encode() + b"\0" for message in messages)


def call(method, parameters="{}", interface="org.doorward.Control"):
    return f'{{"method":"{interface}.{method}","parameters":{parameters}}}'


RULE = ('{"name":"a","action":"reject","log":"journal","enabled":true,'
        '"expires":"2030-01-02T03:04:05Z","direction":"out","app":["/usr/bin/curl","/opt/*/x",'
        '"unknown:kernel"],"user":["1000"],"group":["0"],"unit":["a.service","user:b-*.scope"],'
        '"slice":["user.slice"],"container":["docker:*"],"parent":["/usr/bin/make"],'
        '"script":["/opt/*/run.py"],"package":["python3*"],"sha256":["' + "aB" * 32 + '"],'
        '"protocol":["tcp","47"],"to":["10.0.0.0/8"],'
        '"from":["2001:db8::/32"],"port":["80","8000-8080"],"domain":["*.example.org"],'
        '"comment":"why"}')

CONTROL = {
    "info": calls(call("GetInfo", interface="org.varlink.service")),
    "describe": calls(call("GetInterfaceDescription", '{"interface":"org.doorward.Control"}',
                           "org.varlink.service")),
    "several": calls(call("GetStatus"), call("ListRules"), call("ListFlows"), piece=3),
    "add": calls(call("AddRule", f'{{"rule":{RULE},"position":"last"}}')),
    "lifetime": calls(call("AddRule", f'{{"rule":{RULE},"position":"first","until":"restart"}}'),
                      call("AddRule", f'{{"rule":{RULE},"position":"last","until":"exit","pid":7,"started":8}}')),
    "change": calls(call("RemoveRule", '{"name":"web"}'), call("Reload"),
                    call("SetRuleEnabled", '{"name":"web","enabled":false}'),
                    call("SetMode", '{"mode":"enforce"}')),
    "explain": calls(call("Explain", '{"question":{"app":"/usr/bin/curl","to":"192.0.2.1",'
                          '"direction":"in","user":"0","protocol":"udp","port":53,"domain":"example.org"}}'),
                     call("Explain", '{"question":{"unknown":"kernel"}}')),
    "flags": calls('{"method":"a.B","oneway":true,"more":true,"upgrade":true}'),
    "reply": calls('{"parameters":{},"error":"a.B","continues":true}'),
    "deep": calls("[" * 200 + "]" * 200),
    "escapes": calls('{"method":"\\u0000\\ud83d\\ude00\\"","parameters":null}'),
    "cut": calls(call("GetStatus"))[:-5],
}


FILES = {
    "mounts": b"22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw\n"
              b"36 22 0:45 /sub /mnt/a\\040b rw master:1 - fuse.sshfs host:/ rw\n",
    "mount-id": b"pos:\t0\nflags:\t02\nmnt_id:\t29\nino:\t5\n",
    "list": b"/.\n/usr\n/usr/bin\n/usr/bin/curl\n/bin/ls\n",
    "list-name": b"libc6:amd64.list",
    "diversions": b"/bin/sh\n/bin/sh.distrib\ndash\n/usr/bin/a\n/usr/bin/b\n:\n",
}


def attribute(kind, value):
    return struct.pack("=HH", 4 + len(value), kind) + value + b"\0" * (-len(value) % 4)


def route_message(kind, header, *attributes):
    body = header + b"".join(attributes)
    return struct.pack("=IHHII", 16 + len(body), kind, 2, 1, 0) + body


LINK = route_message(16, struct.pack("=BxHiII", 0, 1, 2, 0x10043, 0), attribute(3, b"eth0\0"))
OWN = route_message(20, struct.pack("=BBBBI", 2, 24, 0, 0, 2), attribute(1, V4[0]), attribute(2, V4[0]))
OWN6 = route_message(20, struct.pack("=BBBBI", 10, 64, 0, 0, 2), attribute(1, V6[0]))
ROUTE = struct.pack("=BBBBBBBBI", 2, 0, 0, 0, 254, 3, 0, 1, 0)
HOP = struct.pack("=HBBi", 16, 0, 0, 2) + attribute(5, V4[1])
NEIGHBOUR = route_message(28, struct.pack("=BxHiHBB", 2, 0, 2, 2, 0, 1), attribute(1, V4[1]),
                          attribute(2, b"RT\0\1\2\3"))

NETWORK = {
    "link": LINK,
    "whole": LINK + OWN + OWN6 + route_message(24, ROUTE, attribute(15, b"\xfe\0\0\0"),
                                               attribute(4, b"\2\0\0\0"), attribute(5, V4[1])) + NEIGHBOUR,
    "ways": LINK + route_message(24, ROUTE, attribute(9, HOP + HOP)),
    "via": LINK + route_message(24, ROUTE, attribute(4, b"\2\0\0\0"), attribute(18, b"\x0a\0" + V6[0])),
    "refusal": route_message(2, struct.pack("=i", -1) + LINK[:16]),
    "done": route_message(3, b"\0\0\0\0"),
}


def cbor_item(kind, size):
    return bytes([kind << 5 | size]) if size < 24 else bytes([kind << 5 | 24, size])


def cbor(value):
    if value is None or isinstance(value, bool):
        return {None: b"\xf6", True: b"\xf5", False: b"\xf4"}[value]
    if isinstance(value, int):
        return cbor_item(0, value) if value < 256 else b"\x19" + struct.pack("!H", value)
    if isinstance(value, bytes):
        return cbor_item(2, len(value)) + value
    if isinstance(value, str):
        return cbor_item(3, len(value)) + value.encode()
    if isinstance(value, list):
        return cbor_item(4, len(value)) + b"".join(cbor(item) for item in value)
    return cbor_item(5, len(value)) + b"".join(cbor(key) + cbor(item) for key, item in value.items())


def rule_step(name=b"10-web.yaml", **changes):
    before = {"text": b"rules: []\n", "mode": 0o644, "owner": 0, "group": 0}
    return cbor({"form": 1, "what": b"rule web removed", "taken_back": False,
                 "files": [{"name": name, "before": before, "after": bytes(32)},
                           {"name": b"20-new.yaml", "before": None, "after": bytes(32)},
                           {"name": b"30-old.yaml", "before": before, "after": None}], **changes})


RULE_STEPS = {
    "whole": rule_step(),
    "path": rule_step(b"../x.yaml"),
    "hidden": rule_step(b".x.yaml"),
    "empty": rule_step(files=[]),
    "other-form": rule_step(form=2),
    "short-digest": rule_step(files=[{"name": b"a.yaml", "before": None, "after": bytes(31)}]),
}


def opensnitch(*rules):
    return b"\0".join(json.dumps(rule).encode() for rule in rules)


def snitch_rule(name, action, what, **more):
    return {"name": name, "action": action, "duration": "always", "enabled": True, "operator": what} | more


def operator(kind, operand, data, sensitive=False):
    return {"type": kind, "operand": operand, "data": data, "sensitive": sensitive, "list": None}


def operators(*all_of):
    return {"type": "list", "operand": "list", "data": "", "sensitive": False, "list": list(all_of)}


OPENSNITCH = {
    "simple": opensnitch(snitch_rule("a", "allow", operator("simple", "process.path", "/usr/bin/curl")),
                         snitch_rule("b", "deny", operator("simple", "dest.host", "ads.example"), precedence=True)),
    "list": opensnitch(snitch_rule("c d", "reject", operators(
        operator("simple", "protocol", "tcp"), operator("network", "dest.network", "10.0.0.1/8"),
        operator("range", "dest.port", "0-1023"), operator("simple", "user.id", "1000")), nolog=True)),
    "regexps": opensnitch(
        snitch_rule("e", "deny", operator("regexp", "process.path", "^/opt/[a-c]{2}/.*x?$", True)),
        snitch_rule("f", "allow", operator("regexp", "dest.host", "^(|.*\\.)example\\.org$")),
        snitch_rule("g", "allow", operator("regexp", "dest.ip", "^(10|192\\.168)\\..*")),
        snitch_rule("h", "deny", operator("regexp", "dest.port", "^(53|80|443)$")),
        snitch_rule("i", "deny", operator("regexp", "iface.out", "^wl.+"))),
    "lists": b'{"operator":{"type":"lists","operand":"lists.domains","data":"/lists"}}\0'
             b"0.0.0.0 ads.example\n127.0.0.1 localhost\n",
    "networks": b'{"action":"deny","duration":"always","enabled":true,"name":"n","operator":'
                b'{"type":"lists","operand":"lists.nets","data":"/lists"}}\0' b"10.0.0.0/8\n2001:db8::/32\n",
}

PROFILES = b"[WWW Full]\ntitle=Web\ndescription=d\n  more\nports=80,443/tcp|53|8000:8010/udp\n"

UFW = {
    "profiles": PROFILES,
    "rules": PROFILES + b"\0### tuple ### allow_log tcp 22,80:90 0.0.0.0/0 any 10.0.0.0/8 WWW%20Full - in_eth0 comment=6162\n"
             b"### tuple ### route:deny any any 0.0.0.0/0 any 0.0.0.0/0 out_eth+\n\0"
             b"### tuple ### reject any 53 2001:db8::/32 any ::/0 out\n",
    "twins": b"\0### tuple ### allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in\n\0### tuple ### allow tcp 22 ::/0 any ::/0 in\n",
}


def nft_message(kind, family, *attributes):
    body = struct.pack("=BBH", family, 0, 0)
    for number, value in attributes:
        body += struct.pack("=HH", 4 + len(value), number) + value + bytes(-len(value) % 4)
    return struct.pack("=IHHII", 16 + len(body), 10 << 8 | kind, 0, 1, 7) + body


NFT_END = nft_message(15, 0, (1, bytes(4)), (2, struct.pack(">I", 99)), (3, b"nft\0"))
TABLE_NEWS = {
    "removed": nft_message(8, 1, (1, b"doorward\0"), (2, b"output\0")) + nft_message(2, 1, (1, b"doorward\0"))
               + NFT_END,
    "others": nft_message(2, 1, (1, b"other\0")) + nft_message(2, 2, (1, b"doorward\0")) + NFT_END,
}


def process(args=(), path=b"", ancestors=(), cwd=b"", mount=b"", image=b"", first=b"", flags=0):
    """struct dw_process of bpf/wire.h."""
    words, forebears = (b"".join(text + b"\0" for text in texts) for texts in (args, ancestors))
    key = struct.pack("=QQII", 1000, 2, 77, 0)
    head = key + key + struct.pack("=6Q", 5, 6, 7, 8, 9, 10)
    head += struct.pack("=10I", 1, flags, 1024 - len(path), len(words), len(cwd), len(forebears), len(mount),
                        len(image), len(first), 0)
    texts = ((b"comm", 16), (words, 512), (cwd, 256), (mount, 64), (image, 256), (first, 128))
    return head + b"".join(text.ljust(size, b"\0") for text, size in texts) + path.rjust(1024, b"\0") \
        + forebears.ljust(512, b"\0")


HAS_ARGS, ARGS_CUT, ARGS_OF_START, USERS_MOUNTS, IS_APPIMAGE = 8, 16, 32, 2048, 512
PROCESSES = {
    "plain": process((b"curl", b"-s"), b"/usr/bin/curl", (b"/usr/bin/bash", b"/usr/lib/systemd/systemd"), b"/root",
                     flags=HAS_ARGS | ARGS_OF_START),
    "script": process((b"python3", b"run.py"), b"/usr/bin/python3.11", (b"/usr/bin/bash", b""), b"/opt",
                      flags=HAS_ARGS | ARGS_OF_START),
    "users": process((b"sh", b"./x.sh"), b"user:/usr/bin/dash", (b"/usr/bin/bash",), b"/home/a",
                     flags=HAS_ARGS | ARGS_OF_START | ARGS_CUT | USERS_MOUNTS),
    "appimage": process((b"app",), b"/tmp/.mount_abc/usr/bin/app", (b"/opt/A.AppImage",), b"/", b".mount_abc",
                        b"/opt/A.AppImage", b"/opt/A.AppImage", HAS_ARGS | IS_APPIMAGE),
}


def queue_message(*attributes, kind=3 << 8):
    body = struct.pack("=BBH", 2, 0, 0)
    for number, value in attributes:
        body += struct.pack("=HH", 4 + len(value), number) + value + bytes(-len(value) % 4)
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 0, 0) + body


def queued(hook, payload):
    return queue_message((1, struct.pack(">IHB", 7, 0x800, hook)), (3, struct.pack(">I", 0x40000001)),
                         (6, struct.pack(">I", 2)), (10, payload))


QUEUE = {
    "out": queued(3, ipv4(6, tcp())),
    "in-two": queued(1, ipv4(17, udp())) + queued(2, ipv6(17, udp())),
    "refused": struct.pack("=IHHII", 36, 2, 0, 0, 0) + struct.pack("=i", -2) + bytes(16),
}


def main():
    here = pathlib.Path(__file__).resolve().parent
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here / "corpus"
    for name, seeds in {"packet": PACKETS, "config": CONFIGS, "control": CONTROL,
                        "control_group": CONTROL_GROUPS, "dns": DNS, "names": NAMES, "network": NETWORK,
                        "script": SCRIPTS, "files": FILES, "rule_step": RULE_STEPS,
                        "opensnitch": OPENSNITCH, "table_news": TABLE_NEWS, "process": PROCESSES, "queue": QUEUE, "ufw": UFW}.items():
        target = folder / name
        target.mkdir(parents=True, exist_ok=True)
        for seed, data in seeds.items():
            (target / seed).write_bytes(data)


if __name__ == "__main__":
    main()
