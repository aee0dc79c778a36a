"""The place's documents and policies."""

from songhe.core.calendar.services import today
from songhe.core.parameters.selectors import parameters_on
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
            },
        )
    for entry in pack.policies:
        policy, _made = Policy.objects.update_or_create(
            key=entry.key,
            defaults={"name": entry.name, "area_id": entry.area, "budget_purpose": entry.budget_purpose},
        )
        prefix = f"{entry.parameters}."
        parameters = {
            name.removeprefix(prefix): int(value) if value == value.to_integral_value() else str(value)
            for name, value in parameters_on(today()).items()
            if name.startswith(prefix)
        }
        services.publish_version(
            policy=policy,
            document=documents[entry.document],
            model_xml=entry.model.read_text(encoding="utf-8"),
            parameters=parameters,
            first=entry.valid_from if not policy.versions.exists() else today(),
        )
    return f"文件 {len(documents)} 份，政策 {len(pack.policies)} 项"
