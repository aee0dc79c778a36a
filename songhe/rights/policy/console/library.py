"""The policy library: every plan, norm and list that a rule comes from, and what cites it."""

from typing import Any

from django.db.models import QuerySet

from songhe.core.accounts.models import User
from songhe.core.console.pages import FACTS, TIMELINE, Pages, Tab, pages
from songhe.rights.policy.models import Document
from songhe.rights.policy.selectors import cited_by, search_documents


def _clauses(document: Document, user: User) -> dict[str, Any]:
    return {"clauses": document.clauses}


def _citations(document: Document, user: User) -> dict[str, Any]:
    versions = document.versions.select_related("policy").order_by("policy__key", "-number")
    return {"versions": versions, "citations": cited_by(document)}


@pages
class DocumentPages(Pages):
    model, room, noun, menu, icon, order = Document, "policy", "document", "评估与待遇", "books", 70
    title = "政策文件库"
    explain = "规则和标准所依据的方案、规范、清单，标明是否核对过原文；可按正文和条款检索。"
    empty = "没有符合的文件。"
    columns = ["title", "number", "issuer", "issued_on", "mark"]
    filters = ["mark", "issuer", "issued_on"]
    search_hint = "标题、文号、要点或条款中的词"
    readonly = True
    facts = ["title", "number", "issuer", "issued_on", "mark", "summary"]
    tabs = [
        Tab("条款", "policy/_clauses.html", _clauses),
        Tab("被谁引用", "policy/_citations.html", _citations),
        FACTS,
        TIMELINE,
    ]

    @staticmethod
    def search(queryset: QuerySet[Any], text: str) -> QuerySet[Any]:
        """Find documents by the words in them."""
        return search_documents(queryset, text)
