"""Reading a decision model from DMN 1.x XML; what is wrong is said with file, decision, rule and column."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree

from songhe.engines.policy.errors import FeelSyntaxError, PolicyError
from songhe.engines.policy.interpreter import Value, evaluate_node
from songhe.engines.policy.model import (
    AGGREGATIONS,
    HIT_POLICIES,
    LIST,
    Decision,
    Entries,
    Expression,
    Function,
    Input,
    Invocation,
    Logic,
    Model,
    Output,
    Relation,
    Rule,
    Table,
)
from songhe.engines.policy.parser import parse_expression, parse_unary_tests
from songhe.engines.policy.syntax import Node, UnaryTests

Element = ElementTree.Element


def load_model(source: str | Path) -> Model:
    """Read a decision model from a file or from its text.

    Raises:
        PolicyError: it is not DMN, declares entities, or holds an expression that is not FEEL; the place is named.
    """
    if isinstance(source, str):
        return _read(source.removeprefix("\ufeff"))
    try:
        return _read(source.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as error:
        raise PolicyError(f"{source.name}：应为 UTF-8 编码的文本。") from error
    except PolicyError as error:
        raise PolicyError(f"{source.name}：{error}") from error


def _read(text: str) -> Model:
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise PolicyError("决策模型不得含有 DOCTYPE 或实体声明。")
    try:
        # Entities, the danger of the standard library's reader, were refused above.
        root = ElementTree.fromstring(text)  # noqa: S314
    except ElementTree.ParseError as error:
        line, column = error.position
        raise PolicyError(f"不是有效的 XML：第 {line} 行第 {column + 1} 个字符处有误。") from error
    if _tag(root) != "definitions":
        raise PolicyError(f"不是决策模型：最外层应为 definitions，而不是 {_tag(root)}。")
    return _Reader(root).read()


class _Reader:
    """Reads one document; ``where`` says in errors which decision is being read, ``names`` what may be spoken of."""

    def __init__(self, root: Element) -> None:
        self.root = root
        self.where = ""
        self.names: list[str] = []

    def read(self) -> Model:
        """Return the model."""
        by_id = {element.get("id"): element for element in self.root.iter() if element.get("id")}
        lists = {_name(each) for each in _children(self.root, "itemDefinition") if each.get("isCollection") == "true"}
        types = {_name(each): each for each in _children(self.root, "itemDefinition")}
        inputs = {
            _name(element): LIST if _type_name(element) in lists else _type_name(element)
            for element in _children(self.root, "inputData")
        }
        decisions = _children(self.root, "decision")
        knowledge = _children(self.root, "businessKnowledgeModel")
        members = [_name(element) for element in self.root.iter() if _tag(element) == "itemComponent"]
        self.names = [*inputs, *map(_name, decisions), *map(_name, knowledge), *members]
        allowed = {}
        for element in _children(self.root, "inputData"):
            self.where = f"输入“{_name(element)}”"
            type_ = types.get(_type_name(element))
            if type_ is not None and (found := self._allowed(type_, "allowedValues", "的允许值")) is not None:
                allowed[_name(element)] = found
        functions = {}
        for element in knowledge:
            self.where = f"业务知识“{_name(element)}”"
            functions[_name(element)] = self._function(element)
        made: dict[str, Decision] = {}
        for element in decisions:
            name = _name(element)
            self.where = f"决策“{name}”"
            if name in made:
                raise PolicyError(f"{self.where}出现了两次，名称应各不相同。")
            made[name] = Decision(name, self._requires(element, by_id), self._logic_of(element), _type_name(element))
        return Model(self.root.get("name", ""), inputs, made, functions, allowed)

    def _requires(self, element: Element, by_id: dict[str | None, Element]) -> tuple[str, ...]:
        names = []
        for requirement in _children(element, "informationRequirement"):
            for reference in requirement:
                target = reference.get("href", "").rpartition("#")[2]
                if target not in by_id:
                    raise PolicyError(f"{self.where}依赖的“{target}”不在模型中，请改正 href 或补上该项。")
                names.append(_name(by_id[target]))
        return tuple(names)

    # --- logic ---------------------------------------------------------------------------------------------------

    def _logic_of(self, element: Element) -> Logic:
        for child in element:
            if (logic := self._logic(child)) is not None:
                return logic
        raise PolicyError(f"{self.where}没有内容，应有决策表、表达式、上下文、调用或关系表之一。")

    def _logic(self, element: Element) -> Logic | None:
        match _tag(element):
            case "decisionTable":
                return self._table(element)
            case "literalExpression":
                text = _text(element)
                return Expression(self._node(text), text)
            case "context":
                return self._context(element)
            case "invocation":
                return self._invocation(element)
            case "relation":
                return self._relation(element)
            case "list" | "functionDefinition" | "conditional" | "for" | "filter" | "some" | "every" as kind:
                raise PolicyError(f"{self.where}用了本引擎尚不支持的“{kind}”框。")
        return None

    def _function(self, element: Element) -> Function:
        encapsulated = self._only(element, "encapsulatedLogic")
        parameters = tuple(map(_name, _children(encapsulated, "formalParameter")))
        with self._knowing(*parameters):
            return Function(_name(element), parameters, self._logic_of(encapsulated))

    def _relation(self, element: Element) -> Relation:
        columns = tuple(map(_name, _children(element, "column")))
        # Others speak of a relation's columns when they filter it, so the columns stay known.
        self.names += [name for name in columns if name not in self.names]
        rows = []
        for number, row in enumerate(_children(element, "row"), 1):
            cells = [logic for cell in row if (logic := self._logic(cell)) is not None]
            if len(cells) != len(columns):
                raise PolicyError(f"{self.where}第 {number} 行应有 {len(columns)} 格，实有 {len(cells)} 格。")
            rows.append(tuple(cells))
        return Relation(columns, tuple(rows))

    def _context(self, element: Element) -> Entries:
        entries: list[tuple[str, Logic]] = []
        with self._knowing():
            for entry in _children(element, "contextEntry"):
                variables = _children(entry, "variable")
                name = _name(variables[0]) if variables else ""
                entries.append((name, self._logic_of(entry)))
                self.names.append(name)
        return Entries(tuple(entries))

    def _invocation(self, element: Element) -> Invocation:
        bindings = []
        for binding in _children(element, "binding"):
            parameter = _name(self._only(binding, "parameter"))
            bindings.append((parameter, self._logic_of(binding)))
        return Invocation(_text(self._only(element, "literalExpression")), tuple(bindings))

    # --- tables --------------------------------------------------------------------------------------------------

    def _table(self, element: Element) -> Table:
        hit_policy = element.get("hitPolicy", "UNIQUE")
        if hit_policy not in HIT_POLICIES:
            raise PolicyError(f"{self.where}的命中策略“{hit_policy}”不存在，应为 {'、'.join(HIT_POLICIES)} 之一。")
        aggregation = element.get("aggregation", "")
        if aggregation and aggregation not in AGGREGATIONS:
            raise PolicyError(f"{self.where}的汇总方式“{aggregation}”不存在，应为 {'、'.join(AGGREGATIONS)} 之一。")
        inputs = tuple(self._input(number, column) for number, column in enumerate(_children(element, "input"), 1))
        outputs = tuple(self._output(column) for column in _children(element, "output"))
        if not outputs:
            raise PolicyError(f"{self.where}的决策表没有输出列。")
        if aggregation and len(outputs) > 1:
            raise PolicyError(f"{self.where}有 {len(outputs)} 个输出列，汇总（{aggregation}）只能用于一个输出列。")
        rules = tuple(
            self._rule(number, rule, inputs, outputs) for number, rule in enumerate(_children(element, "rule"), 1)
        )
        return Table(inputs, outputs, rules, hit_policy, aggregation)

    def _input(self, number: int, column: Element) -> Input:
        place = f"第 {number} 个输入列"
        text = _text(self._only(column, "inputExpression", place))
        allowed = self._allowed(column, "inputValues", f"{place}的允许值")
        return Input(column.get("label") or text, self._node(text, place), text, allowed)

    def _allowed(self, element: Element, tag: str, place: str) -> UnaryTests | None:
        values = _children(element, tag)
        return self._tests(_text(values[0]), place) if values and _text(values[0]) else None

    def _output(self, column: Element) -> Output:
        defaults = _children(column, "defaultOutputEntry")
        values = _children(column, "outputValues")
        return Output(
            _name(column),
            self._values(values[0]) if values else (),
            self._node(_text(defaults[0]), "默认输出") if defaults else None,
        )

    def _values(self, element: Element) -> tuple[Value, ...]:
        return tuple(evaluate_node(test, {}) for test in self._tests(_text(element), "输出允许值").tests)

    def _rule(self, number: int, rule: Element, inputs: tuple[Input, ...], outputs: tuple[Output, ...]) -> Rule:
        tests, results = _children(rule, "inputEntry"), _children(rule, "outputEntry")
        for cells, columns, kind in ((tests, inputs, "输入"), (results, outputs, "输出")):
            if len(cells) != len(columns):
                raise PolicyError(
                    f"{self.where}第 {number} 条规则应有 {len(columns)} 个{kind}格，实有 {len(cells)} 个。"
                )
        return Rule(
            number,
            tuple(
                self._tests(_text(cell), f"第 {number} 条规则“{column.label}”列")
                for cell, column in zip(tests, inputs, strict=True)
            ),
            tuple(
                self._node(_text(cell), f"第 {number} 条规则“{column.name or '输出'}”列")
                for cell, column in zip(results, outputs, strict=True)
            ),
            "；".join(filter(None, map(_text, _children(rule, "annotationEntry")))),
        )

    # --- expressions and places ----------------------------------------------------------------------------------

    def _node(self, text: str, place: str = "表达式") -> Node:
        try:
            return parse_expression(text, self.names)
        except FeelSyntaxError as error:
            raise PolicyError(f"{self.where}{place}：{error}") from error

    def _tests(self, text: str, place: str) -> UnaryTests:
        try:
            return parse_unary_tests(text, self.names)
        except FeelSyntaxError as error:
            raise PolicyError(f"{self.where}{place}：{error}") from error

    def _only(self, element: Element, tag: str, place: str = "") -> Element:
        found = _children(element, tag)
        if not found:
            raise PolicyError(f"{self.where}{place}缺少 {tag}。")
        return found[0]

    @contextmanager
    def _knowing(self, *names: str) -> Iterator[None]:
        """Let names be spoken of for a while."""
        before = self.names
        self.names = [*before, *names]
        yield
        self.names = before


def _tag(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def _children(element: Element, tag: str) -> list[Element]:
    return [child for child in element if _tag(child) == tag]


def _name(element: Element) -> str:
    return element.get("name", "")


def _type_name(element: Element) -> str:
    """Return the name of the type of an input's or decision's variable, without its prefix (``feel:string``)."""
    variables = _children(element, "variable")
    return variables[0].get("typeRef", "").rpartition(":")[2] if variables else ""


def _text(element: Element) -> str:
    return "".join(child.text or "" for child in element if _tag(child) == "text").strip()
