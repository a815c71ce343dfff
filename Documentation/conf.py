# SPDX-License-Identifier: MIT OR Apache-2.0
"""How Sphinx makes a site of the documents. qemu/docs.sh calls it, with the checkout as its source."""

import posixpath
from pathlib import Path
from urllib.parse import urlsplit

from docutils import nodes
from sphinx.util import logging

project = "iomd"
html_title = "iomd"
extensions = ["myst_parser"]
include_patterns = ["README.md", "CONTRIBUTING.md", "Documentation/*.rst"]
exclude_patterns = ["docs", "debug", "tools"]
root_doc = "Documentation/index"
smartquotes = False
highlight_language = "none"

html_theme = "furo"
html_static_path = ["_static"]
templates_path = ["_templates"]
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "sidebar/search.html",
        "sidebar/scroll-start.html",
        "sidebar/navigation.html",
        "sidebar/rustdoc.html",
        "sidebar/scroll-end.html",
    ]
}
html_css_files = ["iomd.css"]
html_copy_source = False
html_use_index = False
html_show_copyright = False
html_show_sphinx = False
html_theme_options = {"navigation_with_keys": True}

# The documents link to each other as files, so that the links work in the repository too.
myst_all_links_external = True

# Where the site has something else for a path of the repository.
elsewhere = {
    "include/uapi/linux/iomd.h": "Documentation/header.html",
    "tools/iomd": "rust/iomd/index.html",
    "tools": "rust/iomd/index.html",
}

# In this order they stand in the site.
pages = """
.. toctree::
   :hidden:

   What iomd is </README>
   uapi
   header
   compatibility
   libiomd
   security
   hostile
   glossary
   design
   performance
   testing
   /CONTRIBUTING
"""

CALLS = "Documentation/uapi"
warn = logging.getLogger(__name__).warning


def add_pages(app, docname, source):
    """The index, which lists them in words, is plain reStructuredText, as all documents are."""
    if docname == root_doc:
        source[0] += pages


def without_contents(app, doctree):
    """The theme has a table of contents beside each page."""
    for topic in list(doctree.findall(nodes.topic)):
        if "contents" in topic["classes"]:
            topic.parent.remove(topic)
    for title in doctree.findall(nodes.title):
        title.attributes.pop("refid", None)


def name_languages(app, doctree):
    """Of files that are included as code."""
    for block in doctree.findall(nodes.literal_block):
        if "code" in block["classes"]:
            block.setdefault("language", block["classes"][-1])


def link_files(app, doctree, docname):
    """Makes links to files of the repository links to their pages."""
    root = posixpath.relpath(".", posixpath.dirname(docname) or ".")
    for link in doctree.findall(nodes.reference):
        uri = urlsplit(link.get("refuri", ""))
        if link.get("internal") or uri.scheme or not uri.path:
            continue
        path = posixpath.normpath(posixpath.join(posixpath.dirname(docname), uri.path))
        page = posixpath.splitext(path)[0]
        if page in app.env.all_docs:
            target = page + ".html"
        elif path in elsewhere:
            target = elsewhere[path]
        elif (Path(app.srcdir) / path).is_file():
            target = "_files/" + path + ".txt"
            copy = Path(app.outdir) / target
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes((Path(app.srcdir) / path).read_bytes())
        else:
            warn("no page for %s", path, location=link)
            continue
        link["refuri"] = posixpath.join(root, target) + (uri.fragment and "#" + uri.fragment)


def link_calls(app, doctree, docname):
    """Makes the name of a call a link to its description."""
    sections = {
        section.next_node(nodes.title).astext(): section
        for section in app.env.get_doctree(CALLS).findall(nodes.section)
    }
    page = "" if docname == CALLS else app.builder.get_relative_uri(docname, CALLS)
    for name in list(doctree.findall(nodes.literal)):
        section = sections.get(name.astext())
        inside = section and any(
            isinstance(parent, (nodes.title, nodes.reference))
            or not page and parent.get("ids") == section["ids"]
            for parent in ancestors(name)
        )
        if section and not inside:
            link = nodes.reference("", "", refuri=f"{page}#{section['ids'][0]}", internal=True)
            name.replace_self(link)
            link += name


def ancestors(node):
    while node := node.parent:
        yield node


def inline_diagrams(app, doctree, docname):
    """Puts drawings into the page itself, where they take on its colours and its font."""
    for image in list(doctree.findall(nodes.image)):
        if image["uri"].endswith(".svg"):
            drawing = (Path(app.srcdir) / image["uri"]).read_text()
            image.replace_self(nodes.raw("", drawing[drawing.index("<svg") :], format="html"))


def setup(app):
    app.connect("source-read", add_pages)
    for transform in (without_contents, name_languages):
        app.connect("doctree-read", transform)
    for transform in (link_files, link_calls, inline_diagrams):
        app.connect("doctree-resolved", transform)
