#!/usr/bin/env python3
"""Writes what trafilatura finds on each page of a folder, for `make extraction ARGS='-other trafilatura=OUT'`.

    pip install trafilatura lxml_html_clean
    python3 eval/extraction/other.py PAGES OUT
"""
import pathlib
import sys

import trafilatura

pages, out = map(pathlib.Path, sys.argv[1:])
out.mkdir(parents=True, exist_ok=True)
for page in sorted(pages.glob("*.html")):
    text = trafilatura.extract(page.read_text("utf-8"), include_comments=False, include_tables=True) or ""
    (out / f"{page.stem}.txt").write_text(text, "utf-8")
