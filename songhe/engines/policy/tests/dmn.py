"""Writing small decision models for tests."""

from collections.abc import Sequence
from xml.sax.saxutils import escape

NAMESPACE = "https://www.omg.org/spec/DMN/20230324/MODEL/"


def model_text(*parts: str, namespace: str = NAMESPACE) -> str:
    return f'<definitions xmlns="{namespace}" name="试验" namespace="urn:test">{"".join(parts)}</definitions>'


def given(name: str, type_name: str = "Any") -> str:
    return f'<inputData id="i-{name}" name="{name}"><variable name="{name}" typeRef="{type_name}"/></inputData>'


def decision(name: str, logic: str, needs: str = "", type_name: str = "Any") -> str:
    required = "".join(
        f"<informationRequirement><required{'Decision' if each.startswith('d-') else 'Input'} href='#{each}'/>"
        "</informationRequirement>"
        for each in needs.split()
    )
    return (
        f'<decision id="d-{name}" name="{name}"><variable name="{name}" typeRef="{type_name}"/>{required}{logic}'
        "</decision>"
    )


def literal(text: str) -> str:
    return f"<literalExpression><text>{escape(text)}</text></literalExpression>"


def table(policy: str, rules: Sequence[str], outputs: str = '<output name="结果"/>', inputs: str = "年龄") -> str:
    """Write a table; a rule is ``tests → outputs ; clause``, its cells parted by ``|``."""
    columns = "".join(
        f"<input><inputExpression><text>{each}</text></inputExpression></input>" for each in inputs.split()
    )
    rows = []
    for rule in rules:
        rest, _, clause = rule.partition(";")
        tests, _, results = rest.partition("→")
        cells = "".join(f"<inputEntry><text>{escape(cell.strip())}</text></inputEntry>" for cell in tests.split("|"))
        cells += "".join(
            f"<outputEntry><text>{escape(cell.strip())}</text></outputEntry>" for cell in results.split("|")
        )
        rows.append(f"<rule>{cells}<annotationEntry><text>{clause.strip()}</text></annotationEntry></rule>")
    return f"<decisionTable {policy}>{columns}{outputs}{''.join(rows)}</decisionTable>"
