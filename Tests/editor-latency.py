#!/usr/bin/env python3
"""Measures how fast `strata lsp` answers: from a key press to the faults, and to the hints of the new text.

    Tests/editor-latency.py PROGRAM SPEC...

For each spec an editor's part is played: a comment is typed, a letter a message, and each letter's diagnostics and hints are
waited for. A table gives median and 95th percentile in milliseconds, and the server's largest resident set at the end; then
10,000 edits follow as fast as they go, and the resident set is printed again. Nothing is asserted: machines differ.
"""
import json
import os
import subprocess
import sys
import time


class Editor:
    def __init__(self, program):
        self.server = subprocess.Popen([program, "lsp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.count = 0
        self.request("initialize", {"processId": os.getpid(), "capabilities": {}})
        self.notify("initialized", {})

    def send(self, message):
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.server.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.server.stdin.flush()

    def notify(self, method, params):
        self.send({"method": method, "params": params})

    def read(self):
        length = int(self.server.stdout.readline().split(b":")[1])
        self.server.stdout.readline()
        return json.loads(self.server.stdout.read(length))

    def request(self, method, params):
        self.count += 1
        self.send({"id": self.count, "method": method, "params": params})
        while True:
            message = self.read()
            if message.get("id") == self.count and "method" not in message:
                return message.get("result")

    def faults(self, uri, version):
        while True:
            message = self.read()
            params = message.get("params") or {}
            if message.get("method") == "textDocument/publishDiagnostics" and params["uri"] == uri:
                if params.get("version") == version:
                    return params["diagnostics"]

    def resident(self):
        with open(f"/proc/{self.server.pid}/status") as status:
            words = dict(line.split(":", 1) for line in status)
        return {name: int(words[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM")}


def figures(seconds):
    seconds = sorted(seconds)
    at = lambda share: 1000 * seconds[min(len(seconds) - 1, int(share * len(seconds)))]
    return at(0.5), at(0.95)


def main(program, specs):
    editor = Editor(program)
    everything = {"start": {"line": 0, "character": 0}, "end": {"line": 100000, "character": 0}}
    print(f"{'spec':36} {'faults':>8} {'p95':>8} {'hints':>8} {'p95':>8}   milliseconds")
    all_faults, all_hints = [], []
    for path in specs:
        uri = "file://" + os.path.abspath(path)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        document = {"uri": uri, "languageId": "yaml", "version": 1}
        editor.notify("textDocument/didOpen", {"textDocument": {**document, "text": text}})
        editor.faults(uri, 1)
        editor.request("textDocument/inlayHint", {"textDocument": {"uri": uri}, "range": everything})
        faults, hints = [], []
        line = text.count("\n")
        for index, letter in enumerate("# a comment, typed"):
            place = {"line": line, "character": index}
            change = {"range": {"start": place, "end": place}, "text": letter}
            start = time.perf_counter()
            editor.notify(
                "textDocument/didChange",
                {"textDocument": {"uri": uri, "version": index + 2}, "contentChanges": [change]})
            editor.faults(uri, index + 2)
            faults.append(time.perf_counter() - start)
            editor.request("textDocument/inlayHint", {"textDocument": {"uri": uri}, "range": everything})
            hints.append(time.perf_counter() - start)
        editor.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
        all_faults += faults
        all_hints += hints
        print("%-36s %8.1f %8.1f %8.1f %8.1f" % (os.path.basename(path), *figures(faults), *figures(hints)))
    print("%-36s %8.1f %8.1f %8.1f %8.1f" % ("all", *figures(all_faults), *figures(all_hints)))
    print("resident: %(VmRSS).1f MiB, at most %(VmHWM).1f MiB" % editor.resident())

    uri = "file://" + os.path.abspath(specs[0])
    with open(specs[0], encoding="utf-8") as file:
        text = file.read()
    editor.notify(
        "textDocument/didOpen", {"textDocument": {"uri": uri, "languageId": "yaml", "version": 0, "text": text}})
    editor.faults(uri, 0)
    start = time.perf_counter()
    for version in range(1, 10001):
        place = {"line": 0, "character": 0}
        behind = {"line": 0, "character": 1}
        change = {"range": {"start": place, "end": place if version % 2 else behind}, "text": "#" if version % 2 else ""}
        editor.notify(
            "textDocument/didChange",
            {"textDocument": {"uri": uri, "version": version}, "contentChanges": [change]})
        if version % 10 == 0:
            editor.faults(uri, version)
            editor.request("textDocument/inlayHint", {"textDocument": {"uri": uri}, "range": everything})
    seconds = time.perf_counter() - start
    print("10,000 edits in %.1f s; resident: %%(VmRSS).1f MiB, at most %%(VmHWM).1f MiB" % seconds % editor.resident())
    editor.request("shutdown", None)
    editor.notify("exit", {})
    return editor.server.wait()


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2:]))
