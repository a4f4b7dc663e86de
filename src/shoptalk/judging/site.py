"""The routes of the judging page. Nothing they say tells which arm found a document, or what another judge said."""

from collections.abc import Mapping, Sequence
from typing import Any

from shoptalk.domain.corpus import Corpus
from shoptalk.judging.journal import GRADES, Journal
from shoptalk.judging.task import Task, unfinished
from shoptalk.judging.template import MEANINGS, TEMPLATE
from shoptalk.serving.page import rendered
from shoptalk.serving.server import Refused, Site


class Judging:
    """One judge at a task."""

    def __init__(self, task: Task, journal: Journal, corpus: Corpus, title: str):
        self.task, self.journal, self.corpus, self.title = task, journal, corpus, title
        self.ids: Sequence[str] = list(task.texts)

    def site(self) -> Site:
        """Page and routes."""
        acts = {"/api/grade": self.grade, "/api/skip": self.skip, "/api/undo": self.undo}
        return Site(self._page, {"/api/query": self.query}, acts)

    def _page(self, nonce: str, token: str) -> str:
        told = {"token": token, "queries": len(self.ids), "grades": [name for name, _ in MEANINGS]}
        return rendered(TEMPLATE, nonce, told, title=self.title, meanings=MEANINGS)

    def query(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """The query at ``number`` (from 1), or the next unfinished one ``after`` that; ``finished`` where none is."""
        if "number" in asked:
            place = self._number(asked["number"], least=1) - 1
        else:
            place = unfinished(self.task, self.journal, self._number(asked.get("after", "0"), least=0))
        return {"progress": self.progress()} | ({"finished": True} if place is None else self._shown(place))

    def grade(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Give ``doc_id`` of ``query_id`` a ``grade``; grading a skipped query takes it up again."""
        query_id, doc_id, grade = self._known(asked), asked.get("doc_id"), asked.get("grade")
        if doc_id not in self.task.documents[query_id]:
            raise Refused(400, "doc_id is no document of that query.")
        if not isinstance(grade, int) or isinstance(grade, bool) or grade not in GRADES:
            raise Refused(400, "grade must be 0, 1, 2 or 3.")
        self.journal.act("grade", query_id, doc_id, grade)
        return self._told(query_id)

    def skip(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Set ``query_id`` aside as one that the judge cannot judge."""
        query_id = self._known(asked)
        self.journal.act("skip", query_id)
        return self._told(query_id)

    def undo(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Take back the latest act that was not taken back; also one of an earlier day."""
        about = self.journal.act("undo")
        if about is None:
            raise Refused(409, "There is nothing to take back.")
        query_id, doc_id = about
        place = self.ids.index(query_id) if query_id in self.task.texts else None
        return {"number": None if place is None else place + 1, "doc_id": doc_id, "progress": self.progress()}

    def progress(self) -> dict[str, int]:
        """Queries and documents in all, graded, and queries skipped."""
        states = self.task.states(self.journal)
        documents = sum(map(len, self.task.documents.values()))
        left = sum(self.task.left(self.journal, query_id) for query_id in self.ids)
        return {
            "queries": len(self.ids),
            "queries_graded": len(states["graded"]),
            "queries_skipped": len(states["skipped"]),
            "documents": documents,
            "documents_graded": documents - left,
        }

    def _told(self, query_id: str) -> dict[str, Any]:
        return {"state": self.task.state(self.journal, query_id), "progress": self.progress()}

    def _shown(self, place: int) -> dict[str, Any]:
        query_id = self.ids[place]
        return {
            "number": place + 1,
            "query_id": query_id,
            "query": self.task.texts[query_id],
            "state": self.task.state(self.journal, query_id),
            "documents": [self._document(query_id, doc_id) for doc_id in self.task.documents[query_id]],
        }

    def _document(self, query_id: str, doc_id: str) -> dict[str, Any]:
        row = self.corpus.index[doc_id]
        grade = self.journal.grades.get((query_id, doc_id))
        return {"id": doc_id, "title": self.corpus.titles[row], "text": self.corpus.texts[row], "grade": grade}

    def _known(self, asked: Mapping[str, Any]) -> str:
        query_id = asked.get("query_id")
        if not isinstance(query_id, str) or query_id not in self.task.texts:
            raise Refused(400, "query_id is none of these queries.")
        return query_id

    def _number(self, text: str, least: int) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= len(self.ids)):
            raise Refused(400, f"A number of a query must lie between {least} and {len(self.ids)}.")
        return int(text)
