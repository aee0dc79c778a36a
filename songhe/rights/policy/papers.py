"""What an elder is due, on paper: given to them or their family."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from songhe.core.documents import pdf
from songhe.core.ledger.money import written
from songhe.registers.elders.models import Elder
from songhe.rights.policy.selectors import Right

TEMPLATE = Path(__file__).parent / "rights.typ"


def rights_pdf(elder: Elder, rights: Sequence[Right], on: date) -> bytes:
    """Return the whole right of an elder on a day as a PDF: what is due, what probably is, what is not and why."""
    parts = (
        ("正在享受", "目前没有正在享受的待遇。", [right for right in rights if right.due]),
        ("很可能符合，尚未认定", "没有。", [right for right in rights if not right.due and right.likely]),
        ("不能享受，及原因", "没有。", [right for right in rights if not right.due and not right.likely]),
    )
    return pdf(
        TEMPLATE,
        {
            "on": f"{on:%Y年%m月%d日}",
            "facts": [
                ["姓名", elder.name],
                ["证件号码", elder.id_number_masked],
                ["性别、年龄", f"{elder.get_sex_display()}，{elder.age_on(on)} 岁"],
                ["居住地", elder.area.full_name],
            ],
            "parts": [
                {"title": title, "empty": empty, "rights": [_told(right) for right in found]}
                for title, empty, found in parts
            ],
        },
    )


def _told(right: Right) -> dict[str, Any]:
    lines = [right.judgement.reason]
    if right.entitlement is not None:
        first = right.entitlement.validity.lower
        lines.insert(0, f"自 {first:%Y年%m月%d日} 起享受{right.version.policy.get_form_display()}。")
    if right.missing:
        lines.append(f"档案中还不知道：{'、'.join(right.missing)}。补充后可能改变结果。")
    basis = "；".join([f"依据：{right.version.document}", *right.clauses])
    fen = right.entitlement.monthly_fen if right.entitlement is not None else right.judgement.monthly_fen
    return {
        "name": right.version.policy.name,
        "amount": f"每月 {written(fen)}" if fen else "",
        "lines": [line for line in lines if line],
        "basis": basis,
    }
