"""The report of an assessment, as GB/T 42195-2022's annex C asks for it, on paper."""

from pathlib import Path

from songhe.core.documents import pdf
from songhe.rights.assessment.models import Assessment
from songhe.rights.assessment.scales import scale

TEMPLATE = Path(__file__).parent / "report.typ"


def report_pdf(assessment: Assessment) -> bytes:
    """Return the report of a scored assessment as a PDF."""
    rules = scale(assessment.scale)
    elder = assessment.elder
    return pdf(
        TEMPLATE,
        {
            "title": rules.title,
            "number": assessment.number,
            "facts": [
                ["姓名", elder.name],
                ["性别", elder.get_sex_display()],
                ["年龄", f"{elder.age_on(assessment.applied_on)} 周岁"],
                ["证件号码", elder.id_number_masked],
                ["居住地址", f"{assessment.area.full_name}{elder.address}"],
                ["评估原因", assessment.get_reason_display()],
                ["评估日期", f"{assessment.assessed_at:%Y年%m月%d日}" if assessment.assessed_at else ""],
                ["信息提供者", f"{assessment.informant}（{assessment.informant_relation}）"],
            ],
            "groups": [
                {
                    "name": group.name,
                    "sum": str(assessment.result.get("groups", {}).get(group.code, "")),
                    "items": [
                        [
                            item.code,
                            item.name,
                            str(assessment.answers.get(item.code, "")),
                            item.option_text(assessment.answers.get(item.code)),
                        ]
                        for item in group.items
                    ],
                }
                for group in rules.groups
            ],
            "total": "" if assessment.total is None else str(assessment.total),
            "preliminary": str(assessment.result.get("preliminary_name", "")),
            "changes": assessment.result.get("changes", []),
            "level": assessment.level_name,
            "assessors": [str(assessment.assessor_1 or ""), str(assessment.assessor_2 or "")],
            "source": rules.source,
        },
    )
