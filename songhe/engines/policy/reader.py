"""Reading a decision model from DMN 1.x XML; what is wrong is said with file, decision, rule and column."""

from __future__ import annotations

import codecs
import re
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
    Choice,
    Decision,
    Definition,
    Entries,
    Expression,
    Filtering,
    Function,
    Input,
    Invocation,
    Items,
    Iteration,
    Logic,
    Model,
    Output,
    Relation,
    Rule,
    Service,
    Table,
)
from songhe.engines.policy.parser import parse_expression, parse_unary_tests
from songhe.engines.policy.syntax import Literal, Node, UnaryTests
from songhe.engines.policy.types import ItemType

Element = ElementTree.Element

# DMN 1.1 to 1.5 and what comes after have each its own address below this one.
_DMN = re.compile(r"https?://www\.omg\.org/spec/DMN/")
# A key of more than one word in a context that an expression writes.
_KEY = re.compile(r"""[{,]\s*"?([^\W\d]\w*(?: +\w+)+)"?\s*:""")
_MOST_BYTES = 64 * 1024 * 1024
_DECLARED = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_ENCODINGS = frozenset({"utf-8", "ascii", "iso8859-1", "gbk", "gb2312", "gb18030", "utf-16", "utf-16-le", "utf-16-be"})


def load_model(source: str | bytes | Path) -> Model:
    """Read a decision model from a file, from its bytes or from its text.

    Raises:
        PolicyError: it is not DMN, declares entities, or holds an expression that is not FEEL; the place is named.
    """
    if isinstance(source, str):
        return _read(source.removeprefix("\ufeff"))
    if isinstance(source, bytes):
        return _read(_decoded(source))
    try:
        if source.stat().st_size > _MOST_BYTES:
            raise PolicyError(f"文件超过 {_MOST_BYTES // 1024 // 1024} MB，不像是决策模型。")
        return _read(_decoded(source.read_bytes()))
    except PolicyError as error:
        raise PolicyError(f"{source.name}：{error}") from error


def _decoded(data: bytes) -> str:
    """Return a document's text by its byte order mark, else by the encoding it declares, else as UTF-8."""
    encoding = "utf-8"
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif not data.startswith(codecs.BOM_UTF8) and (found := _DECLARED.match(data.lstrip()[:200])):
        encoding = found[1].decode("ascii")
    try:
        if codecs.lookup(encoding).name not in _ENCODINGS:
            raise LookupError(encoding)
        return data.decode(encoding).removeprefix("\ufeff")
    except (UnicodeDecodeError, LookupError) as error:
        raise PolicyError("应为 UTF-8、UTF-16 或 GB18030 编码的文本。") from error


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
    namespace = root.tag.rpartition("}")[0].removeprefix("{")
    if namespace and not _DMN.match(namespace):
        raise PolicyError(f"不是决策模型：命名空间“{namespace}”不是 DMN 的。")
    try:
        _drop_foreign(root, root.tag.rpartition("}")[0])
        return _Reader(root).read()
    except RecursionError as error:
        raise PolicyError("决策模型嵌套得太深，无法读取。") from error


def _drop_foreign(root: Element, namespace: str) -> None:
    """Take away what other tools have put among DMN's elements."""
    waiting = [root]
    while waiting:
        element = waiting.pop()
        for child in list(element):
            foreign = not isinstance(child.tag, str) or child.tag.rpartition("}")[0] != namespace
            if foreign or _tag(child) == "extensionElements":
                element.remove(child)
            else:
                waiting.append(child)


class _Reader:
    """Reads one document; ``where`` says in errors which decision is being read, ``names`` what may be spoken of."""

    def __init__(self, root: Element) -> None:
        self.root = root
        self.where = ""
        self.names: list[str] = []

    def read(self) -> Model:
        """Return the model."""
        by_id = {element.get("id"): element for element in self.root.iter() if element.get("id")}
        for each in _children(self.root, "import"):
            raise PolicyError(
                f"模型导入了另一个文件“{each.get('name') or each.get('namespace', '')}”："
                "本引擎只读单个文件，请把两个模型合并成一个。"
            )
        self._language(self.root)
        items = {_name(each): each for each in _children(self.root, "itemDefinition")}
        lists = {name for name, each in items.items() if each.get("isCollection") == "true"}
        inputs = {
            _name(element): LIST if _type_name(element) in lists else _type_name(element)
            for element in _children(self.root, "inputData")
        }
        decisions = _children(self.root, "decision")
        knowledge = _children(self.root, "businessKnowledgeModel")
        services = {_name(each): self._service(each, by_id) for each in _children(self.root, "decisionService")}
        members = list(dict.fromkeys(self._members()))
        self.names = [*inputs, *map(_name, decisions), *map(_name, knowledge), *services, *members, *items]
        types = {name: self._item_type(each) for name, each in items.items()}
        allowed = {}
        for element in _children(self.root, "inputData"):
            found = types.get(_type_name(element))
            if found is not None and not found.is_list and found.allowed is not None:
                allowed[_name(element)] = found.allowed
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
            logic = self._logic_within(element) or Expression(Literal(None), "")
            made[name] = Decision(name, self._requires(element, by_id), logic, _type_name(element))
        return Model(self.root.get("name", ""), inputs, made, functions, allowed, types, services)

    def _members(self) -> Iterator[str]:
        """Yield what values may have in them: components, outputs, entries, columns, keys that expressions write."""
        for element in self.root.iter():
            match _tag(element):
                case "itemComponent" | "output" | "column":
                    yield _name(element)
                case "contextEntry":
                    yield from map(_name, _children(element, "variable"))
                case "text":
                    yield from (" ".join(key.split()) for key in _KEY.findall(element.text or ""))

    def _item_type(self, element: Element) -> ItemType:
        """Read a type; one that names no other and has no components is of anything."""
        self.where = f"类型“{_name(element)}”"
        references = _children(element, "typeRef")
        written = (references[0].text or "") if references else element.get("typeRef", "")
        of = _local(written)
        if _children(element, "functionItem"):
            of = "function"
        return ItemType(
            of,
            {_name(each): self._item_type(each) for each in _children(element, "itemComponent")},
            element.get("isCollection") == "true",
            self._allowed(element, "allowedValues", "的允许值"),
            self._allowed(element, "typeConstraint", "的约束"),
        )

    def _service(self, element: Element, by_id: dict[str | None, Element]) -> Service:
        self.where = f"决策服务“{_name(element)}”"
        outputs = self._referred(element, "outputDecision", by_id)
        if not outputs:
            raise PolicyError(f"{self.where}没有输出决策。")
        parameters = (*self._referred(element, "inputData", by_id), *self._referred(element, "inputDecision", by_id))
        return Service(_name(element), parameters, outputs)

    def _referred(self, element: Element, tag: str, by_id: dict[str | None, Element]) -> tuple[str, ...]:
        names = []
        for reference in _children(element, tag):
            target = reference.get("href", "").rpartition("#")[2]
            if target not in by_id:
                raise PolicyError(f"{self.where}引用的“{target}”不在模型中，请改正 href 或补上该项。")
            names.append(_name(by_id[target]))
        return tuple(names)

    def _language(self, element: Element) -> None:
        """Refuse an expression of another language: it is read as FEEL or not at all."""
        language = element.get("expressionLanguage", "")
        if language and "feel" not in language.lower():
            raise PolicyError(f"{self.where}用了表达式语言“{language}”，本引擎只读 FEEL。")

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
        logic = self._logic_within(element)
        if logic is None:
            raise PolicyError(f"{self.where}没有内容，应有决策表、表达式、上下文、调用或关系表之一。")
        return logic

    def _logic_within(self, element: Element) -> Logic | None:
        for child in element:
            if (logic := self._logic(child)) is not None:
                return logic
        return None

    def _logic(self, element: Element) -> Logic | None:
        match _tag(element):
            case "decisionTable":
                return self._table(element)
            case "literalExpression":
                text = self._written(element)
                return Expression(self._node(text), text) if text else Expression(Literal(None), "")
            case "context":
                return self._context(element)
            case "invocation":
                return self._invocation(element)
            case "relation":
                return self._relation(element)
            case "list":
                return Items(tuple(logic for child in element if (logic := self._logic(child)) is not None))
            case "functionDefinition":
                return self._definition(element)
            case "conditional":
                return Choice(*(self._logic_of(self._only(element, tag)) for tag in ("if", "then", "else")))
            case "filter":
                return Filtering(*(self._logic_of(self._only(element, tag)) for tag in ("in", "match")))
            case "for" | "some" | "every" as kind:
                return self._iteration(element, kind)
        return None

    def _iteration(self, element: Element, kind: str) -> Iteration:
        variable = element.get("iteratorVariable", "")
        source = self._logic_of(self._only(element, "in"))
        with self._knowing(variable):
            body = self._logic_of(self._only(element, "return" if kind == "for" else "satisfies"))
        return Iteration(kind, variable, source, body)

    def _definition(self, element: Element) -> Definition:
        formal = _children(element, "formalParameter")
        parameters = tuple(map(_name, formal))
        types = tuple(_local(each.get("typeRef", "")) for each in formal)
        if element.get("kind", "FEEL") != "FEEL":
            return Definition(parameters, types, None)
        with self._knowing(*parameters):
            return Definition(parameters, types, self._logic_within(element))

    def _function(self, element: Element) -> Function:
        encapsulated = _children(element, "encapsulatedLogic")
        if not encapsulated:
            return Function(_name(element), (), None)
        made = self._definition(encapsulated[0])
        result = _local(encapsulated[0].get("typeRef", ""))
        variable = _type_name(element)
        # The variable's type is the function's, unless it is that of the result, as older models have it.
        return Function(_name(element), made.parameters, made.logic, made.types, result or self._result(variable))

    def _result(self, type_name: str) -> str:
        declared = [each for each in _children(self.root, "itemDefinition") if _name(each) == type_name]
        return "" if declared and _children(declared[0], "functionItem") else type_name

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
        text = _text(self._only(element, "literalExpression"))
        return Invocation(text, tuple(bindings), self._node(text))

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
        text = self._written(self._only(column, "inputExpression", place))
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
                self._tests(self._written(cell), f"第 {number} 条规则“{column.label}”列")
                for cell, column in zip(tests, inputs, strict=True)
            ),
            tuple(
                self._node(self._written(cell) or "null", f"第 {number} 条规则“{column.name or '输出'}”列")
                for cell, column in zip(results, outputs, strict=True)
            ),
            "；".join(filter(None, map(_text, _children(rule, "annotationEntry")))) or _description(rule),
        )

    # --- expressions and places ----------------------------------------------------------------------------------

    def _written(self, element: Element) -> str:
        self._language(element)
        return _text(element)

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
    """Return an element's name, white space as FEEL reads it."""
    return " ".join(element.get("name", "").split())


def _local(type_name: str) -> str:
    """Return a type's name without its prefix (``feel:string``)."""
    return type_name.strip().rpartition(":")[2]


def _description(rule: Element) -> str:
    """Return what other modelers write beside a rule."""
    return "；".join((each.text or "").strip() for each in _children(rule, "description"))


def _type_name(element: Element) -> str:
    """Return the name of the type of an input's or decision's variable, without its prefix (``feel:string``)."""
    variables = _children(element, "variable")
    return _local(variables[0].get("typeRef", "")) if variables else ""


def _text(element: Element) -> str:
    return "".join(child.text or "" for child in element if _tag(child) == "text").strip()
