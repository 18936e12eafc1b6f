#!/usr/bin/env python3
"""Draws a spec as an editor shows it, from what the language server answers: Tests/editor-picture.py PROGRAM SPEC > PICTURE.svg"""
import html
import importlib.util
import os
import sys

here = os.path.dirname(os.path.abspath(__file__))
spec = importlib.util.spec_from_file_location("latency", os.path.join(here, "editor-latency.py"))
latency = importlib.util.module_from_spec(spec)
spec.loader.exec_module(latency)

ROW, COLUMN, LEFT, TOP = 20, 8.4, 16, 24


def main(program, path):
    editor = latency.Editor(program)
    uri = "file://" + os.path.abspath(path)
    with open(path, encoding="utf-8") as file:
        lines = file.read().rstrip("\n").split("\n")
    editor.notify("textDocument/didOpen", {"textDocument": {
        "uri": uri, "languageId": "yaml", "version": 1, "text": "\n".join(lines) + "\n"}})
    document = {"textDocument": {"uri": uri}}
    everything = {"start": {"line": 0, "character": 0}, "end": {"line": len(lines), "character": 0}}
    hints = editor.request("textDocument/inlayHint", {**document, "range": everything})
    lenses = editor.request("textDocument/codeLens", document)

    rows, width = [], 0
    for number, line in enumerate(lines):
        if lenses and lenses[0]["range"]["start"]["line"] == number:
            rows.append((None, [(" | ".join(lens["command"]["title"] for lens in lenses), "lens")]))
        pieces, start = [], 0
        for hint in (hint for hint in hints if hint["position"]["line"] == number):
            place = hint["position"]["character"]
            pieces += [(line[start:place], "code"), (" ", "code"), (hint["label"], "hint")]
            start = place
        pieces.append((line[start:], "code"))
        rows.append((number + 1, pieces))
    for _, pieces in rows:
        width = max(width, sum(len(text) for text, _ in pieces))
    height = TOP + ROW * len(rows)
    total = LEFT + COLUMN * (width + 6)
    print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{total:.0f}" height="{height}" viewBox="0 0 {total:.0f} {height}">')
    print("<style>text{font:14px monospace;white-space:pre}.code{fill:#24292f}.comment,.number{fill:#8c959f}"
          ".key{fill:#0550ae}.hint{fill:#6e7781}.lens{fill:#57606a;font-style:italic}</style>")
    print(f'<rect width="{total:.0f}" height="{height}" rx="6" fill="#ffffff" stroke="#d0d7de"/>')
    for index, (number, pieces) in enumerate(rows):
        y = TOP + ROW * index
        if number is not None:
            print(f'<text class="number" x="{LEFT}" y="{y}">{number:3}</text>')
        column = 5
        for text, kind in pieces:
            x = LEFT + COLUMN * column
            if kind == "hint":
                print(f'<rect x="{x - 2:.1f}" y="{y - 14}" width="{COLUMN * len(text) + 4:.1f}" height="18" rx="3" fill="#eaeef2"/>')
            if kind == "code" and "#" in text:
                at = text.index("#")
                parts = [(text[:at], "code"), (text[at:], "comment")]
            else:
                parts = [(text, kind)]
            for part, style in parts:
                if part.strip():
                    print(f'<text class="{style}" x="{LEFT + COLUMN * column:.1f}" y="{y}" '
                          f'textLength="{COLUMN * len(part):.1f}" xml:space="preserve">{html.escape(part)}</text>')
                column += len(part)
    print("</svg>")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
