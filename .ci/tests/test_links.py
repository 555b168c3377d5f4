"""The reader of Markdown in .ci/links."""

import importlib.machinery
import importlib.util
import os
import tempfile
import unittest

PATH = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "links")
loader = importlib.machinery.SourceFileLoader("links", PATH)
links = importlib.util.module_from_spec(importlib.util.spec_from_loader("links", loader))
loader.exec_module(links)


class Links(unittest.TestCase):
    def test_links_of_every_form(self):
        text = "[a](a.md) and [b `c`](<b.md> \"title\")\n\n[d]: d.md#e\n| [f](f(1).md) | ![g](g.svg) |\n[[h]](h.md)"
        self.assertEqual([target for _, target in links.links(text)], ["a.md", "b.md", "d.md#e", "f(1).md", "g.svg", "h.md"])

    def test_code_has_no_links(self):
        text = "`[a](a.md)`\n```rust\n[b](b.md)\n~~~\n[c](c.md)\n```\n~~~~\n[d](d.md)\n~~~\n~~~~\n[e](e.md)"
        self.assertEqual(list(links.links(text)), [(11, "e.md")])

    def test_anchors_of_headings(self):
        with tempfile.NamedTemporaryFile("w", suffix=".md") as file:
            file.write("# One `two`, three\n## [Four](x.md) & five\n## Same\n## Same\n```\n# no\n```\n### What's `/metrics`?\n")
            file.flush()
            self.assertEqual(links.anchors(file.name),
                             {"one-two-three", "four--five", "same", "same-1", "whats-metrics"})


if __name__ == "__main__":
    unittest.main()
