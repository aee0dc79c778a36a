"""The place's documents and policies."""

from songhe.core.calendar.services import today
from songhe.packs.loader import Document as Entry
from songhe.packs.loader import Pack
from songhe.rights.policy import services
from songhe.rights.policy.models import Document, Policy


def load(pack: Pack) -> str:
    """Enter the pack's documents, and put its policies in force; a version with the same model and figures stays."""
    documents = {}
    for entry in pack.documents.values():
        documents[entry.key], _made = Document.objects.update_or_create(
            key=entry.key,
            defaults={
                "title": entry.title,
                "number": entry.number,
                "issuer": entry.issuer,
                "issued_on": entry.issued_on,
                "mark": entry.mark,
                "summary": entry.summary,
                "clauses": list(entry.clauses),
                "search_text": search_text(entry),
            },
        )
    for rule in pack.policies:
        policy, _made = Policy.objects.update_or_create(
            key=rule.key,
            defaults={
                "name": rule.name,
                "area_id": rule.area,
                "budget_purpose": rule.budget_purpose,
                "subject": rule.subject,
                "form": rule.form,
            },
        )
        services.publish_version(
            policy=policy,
            document=documents[rule.document],
            model_xml=rule.model.read_text(encoding="utf-8"),
            parameters=pack.parameters_of(rule),
            examples=rule.examples(),
            first=rule.valid_from if not policy.versions.exists() else today(),
        )
    return f"文件 {len(documents)} 份，政策 {len(pack.policies)} 项"


def search_text(document: Entry) -> str:
    """Return all of a document's words in one text, for searching."""
    clauses = [f"{clause['clause']} {clause['text']}" for clause in document.clauses]
    return "\n".join([document.title, document.number, document.issuer, document.summary, *clauses])
