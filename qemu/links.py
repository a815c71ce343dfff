# SPDX-License-Identifier: GPL-2.0
"""links.py SITE: whether every link between the pages of a site leads somewhere. What is elsewhere on
the network is not looked at."""

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    def __init__(self, path):
        super().__init__()
        self.names = set()
        self.links = set()
        self.feed(path.read_text())

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name == "id" or (tag == "a" and name == "name"):
                self.names.add(value)
            elif name in ("href", "src") and value:
                self.links.add(value)


def made_by_script(page, name):
    """Of rustdoc: lines of source, and what its search takes."""
    return page.parts[-3:-1].count("src") or name[:1].isdigit() or "=" in name


def broken(site):
    pages = {path: Page(path) for path in site.rglob("*.html")}
    for path, page in pages.items():
        for link in page.links:
            url = urlsplit(link)
            if url.scheme or url.netloc:
                continue
            target = (path.parent / unquote(url.path)).resolve() if url.path else path
            if target.is_dir():
                target /= "index.html"
            name = url.fragment
            if not target.exists():
                yield path, link
            elif name and target in pages and not made_by_script(target, name):
                if not pages[target].names & {name, unquote(name)}:
                    yield path, link


site = Path(sys.argv[1]).resolve()
found = sorted(broken(site))
for path, link in found:
    print(f"{path.relative_to(site)}: {link} leads nowhere")
sys.exit(bool(found))
