"""A page as a reader meets it."""

from html.parser import HTMLParser

VOID = ("meta", "br", "input", "link")


class Page(HTMLParser):
    """Checks that tags close in order and fetch nothing; gathers text, tags, cells of tables and the scripts."""

    def __init__(self, html: str):
        super().__init__()
        self.open, self.words, self.scripts, self.tags, self.cells, self.anchors = [], [], [], [], [], []
        self.feed(html)
        self.close()
        assert not self.open
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attrs):
        told = dict(attrs)
        assert "src" not in told and told.get("href", "#").startswith("#")
        self.anchors += [told["href"]] if "href" in told else []
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        inside = self.open[-1] if self.open else ""
        if inside in ("td", "th"):
            self.cells[-1] += data
        {"script": self.scripts, "style": []}.get(inside, self.words).append(data)
