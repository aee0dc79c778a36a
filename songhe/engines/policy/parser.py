"""Reading FEEL expressions and unary tests.

FEEL's names may hold spaces, so where a name ends depends on which names there are: the parser is given them, and takes
the longest that fits.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from decimal import DecimalException

from songhe.engines.policy import temporal
from songhe.engines.policy.decimals import NUMBERS
from songhe.engines.policy.errors import FeelSyntaxError
from songhe.engines.policy.functions import FUNCTION_NAMES
from songhe.engines.policy.syntax import (
    Apply,
    Between,
    Binary,
    Call,
    Compare,
    ContextOf,
    Filter,
    For,
    FunctionOf,
    Holds,
    If,
    In,
    InstanceOf,
    ListOf,
    Literal,
    Name,
    Node,
    Path,
    Quantified,
    Range,
    Unary,
    UnaryTests,
    parts,
)

_SPACE = re.compile(r"(?:\s+|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_NUMBER = re.compile(r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_WORD = re.compile(r"[^\W\d]\w*|\?")
_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{6}|.)")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "'": "'", "\\": "\\"}
_KEYWORDS = frozenset(
    {"if", "then", "else", "and", "or", "in", "between", "for", "return", "some", "every", "satisfies", "true", "false"}
    | {"null", "instance", "of", "function"}
)
# Kinds of expression that begin with a word, and may stand wherever an operand may.
_OPENINGS = ("if", "for", "some", "every", "function")
# Longer names are types only where a type is expected.
_TYPES = ("date and time", "days and time duration", "years and months duration", "day time duration")
# An expression in brackets within brackets … so deep is no policy, and would take the reader's stack.
MOST_NESTED = 40
# So many operators in a row are read.
MOST_IN_A_ROW = 300
_COMPARISONS = ("<=", ">=", "!=", "<", ">", "=")
# Members of times and ranges that are more than one word.
_MEMBERS = ("time offset", "start included", "end included")
_ARGUMENT_NAME = re.compile(r"([^\W\d][\w ]*?)\s*:(?!:)")


class Parser:
    """Reads one text; ``names`` are the values it may speak of."""

    def __init__(self, text: str, names: Iterable[str] = ()) -> None:
        self.text = text
        self.at = 0
        self.depth = 0
        self.long_names: list[str] = []
        self.learn(*names, *FUNCTION_NAMES, *_MEMBERS)

    def learn(self, *names: str) -> None:
        """Know these names from here on."""
        new = {name for name in names if name and not _WORD.fullmatch(name)}
        self.long_names = sorted(new.union(self.long_names), key=len, reverse=True)

    # --- tokens ------------------------------------------------------------------------------------------------

    def skip(self) -> None:
        """Pass over white space and comments."""
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def peek(self, token: str) -> bool:
        """Tell whether a token comes next; a word only if it ends there."""
        self.skip()
        if not self.text.startswith(token, self.at):
            return False
        end = self.at + len(token)
        return not (
            token[-1].isalnum() and end < len(self.text) and (self.text[end].isalnum() or self.text[end] == "_")
        )

    def take(self, *tokens: str) -> str | None:
        """Take the first of these tokens that comes next, or nothing."""
        for token in tokens:
            if self.peek(token):
                self.at += len(token)
                return token
        return None

    def expect(self, token: str) -> None:
        """Take a token that must come."""
        if not self.take(token):
            raise self.error(f"“{token}”")

    def error(self, expected: str) -> FeelSyntaxError:
        """Return the error of this place."""
        self.skip()
        return FeelSyntaxError(self.text, self.at, expected)

    def finish(self) -> None:
        """Check that nothing is left."""
        self.skip()
        if self.at < len(self.text):
            raise self.error("结尾")

    # --- unary tests -------------------------------------------------------------------------------------------

    def unary_tests(self) -> UnaryTests:
        """Read the cell of a decision table."""
        self.skip()
        if self.at >= len(self.text):
            return UnaryTests((), anything=True)
        if self.text[self.at :].strip() == "-":
            self.at = len(self.text)
            return UnaryTests((), anything=True)
        start = self.at
        if self.take("not") and self.take("("):
            tests = self._tests()
            self.expect(")")
            self.skip()
            if self.at == len(self.text):
                return UnaryTests(tests, negated=True)
        self.at = start
        tests = self._tests()
        self.finish()
        return UnaryTests(tests)

    def _tests(self) -> tuple[Node, ...]:
        tests = [self._test()]
        while self.take(","):
            tests.append(self._test())
        return tuple(tests)

    def _test(self) -> Node:
        if operator := self.take(*_COMPARISONS):
            return Compare(operator, self._sum())
        test = self.expression()
        return Holds(test) if _is_condition(test) else test

    # --- expressions -------------------------------------------------------------------------------------------

    def expression(self) -> Node:
        """Read one expression."""
        self.depth += 1
        if self.depth > MOST_NESTED:
            raise self.error(f"较浅的嵌套（最多 {MOST_NESTED} 层）")
        node = self._opened() if any(map(self.peek, _OPENINGS)) else self._or()
        self.depth -= 1
        return node

    def _opened(self) -> Node:
        if self.peek("if"):
            return self._if()
        if self.peek("for"):
            return self._for()
        return self._function() if self.peek("function") else self._quantified()

    def _function(self) -> Node:
        self.expect("function")
        self.expect("(")
        parameters: list[str] = []
        types: list[str] = []
        while not self.take(")"):
            parameters.append(self._new_name())
            types.append(self.type_name() if self.take(":") else "Any")
            if not self.take(",") and not self.peek(")"):
                raise self.error("“,”或“)”")
        if self.take("external"):
            self.expression()
            return FunctionOf(tuple(parameters), tuple(types), None)
        self.learn(*parameters)
        return FunctionOf(tuple(parameters), tuple(types), self.expression())

    def _new_name(self) -> str:
        """Read a name that is given here: everything up to a colon, comma, bracket or ``in``."""
        self.skip()
        found = re.compile(r"[^\W\d][^:,()\[\]{}\n]*?(?=\s*(?::|,|\)|\bin\b))").match(self.text, self.at)
        if not found or found.group() in _KEYWORDS:
            raise self.error("名称")
        self.at = found.end()
        return " ".join(found.group().split())

    def type_name(self) -> str:
        """Read a type: a name, ``list<…>``, ``range<…>``, ``context<…>`` or ``function<…> -> …``."""
        self.skip()
        name = self.take(*_TYPES) or self._word_or_names()
        if name in ("list", "range") and self.take("<"):
            inner = self.type_name()
            self.expect(">")
            return f"{name}<{inner}>"
        if name == "context" and self.take("<"):
            members = []
            while not self.take(">"):
                member = self._new_name()
                self.expect(":")
                members.append(f"{member}:{self.type_name()}")
                if not self.take(",") and not self.peek(">"):
                    raise self.error("“,”或“>”")
            return f"context<{','.join(members)}>"
        if name == "function" and self.take("<"):
            types = []
            while not self.take(">"):
                types.append(self.type_name())
                if not self.take(",") and not self.peek(">"):
                    raise self.error("“,”或“>”")
            self.expect("->")
            return f"function<{','.join(types)}>->{self.type_name()}"
        return name

    def _word_or_names(self) -> str:
        if self.take("function"):
            return "function"
        if self.take("null"):
            return "Null"
        name = self._word()
        while not self.peek("..") and self.take("."):
            name += f".{self._word()}"
        return name

    def _if(self) -> Node:
        self.expect("if")
        condition = self.expression()
        self.expect("then")
        then = self.expression()
        self.expect("else")
        return If(condition, then, self.expression())

    def _variables(self) -> tuple[tuple[str, Node], ...]:
        variables = []
        while True:
            name = self._new_name()
            self.expect("in")
            values = self._sum()
            if self.take(".."):
                values = Range(values, self._sum(), True, True)
            variables.append((name, values))
            self.learn(name)
            if not self.take(","):
                return tuple(variables)

    def _for(self) -> Node:
        self.expect("for")
        variables = self._variables()
        self.expect("return")
        return For(variables, self.expression())

    def _quantified(self) -> Node:
        every = self.take("some", "every") == "every"
        variables = self._variables()
        self.expect("satisfies")
        return Quantified(every, variables, self.expression())

    def _or(self) -> Node:
        return self._row(self._and, "or")

    def _and(self) -> Node:
        return self._row(self._comparison, "and")

    def _row(self, operand: Callable[[], Node], *operators: str) -> Node:
        """Read operands with operators between them, the first two first."""
        left, count = operand(), 0
        while operator := self.take(*operators):
            left, count = Binary(operator, left, operand()), count + 1
            if count > MOST_IN_A_ROW:
                raise self.error(f"较短的表达式（最多 {MOST_IN_A_ROW} 个“{operator}”相连）")
        return left

    def _comparison(self) -> Node:
        left = self._sum()
        while True:
            if operator := self.take(*_COMPARISONS):
                left = Binary(operator, left, self._sum())
            elif self.take("between"):
                low = self._sum()
                self.expect("and")
                left = Between(left, low, self._sum())
            elif self.take("in"):
                left = In(left, self._in_tests())
            elif self.take("instance"):
                self.expect("of")
                left = InstanceOf(left, self.type_name())
            else:
                return left

    def _in_tests(self) -> UnaryTests:
        start = self.at
        if self.take("("):
            try:
                tests = self._tests()
                self.expect(")")
                return UnaryTests(tests)
            except FeelSyntaxError:
                self.at = start
        return UnaryTests((self._test(),))

    def _sum(self) -> Node:
        return self._row(self._product, "+", "-")

    def _product(self) -> Node:
        left = self._power()
        while not self.peek("**") and (operator := self.take("*", "/")):
            left = Binary(operator, left, self._power())
        return left

    def _power(self) -> Node:
        return self._row(self._signed, "**")

    def _signed(self) -> Node:
        signs = 0
        while self.take("-"):
            signs += 1
        node = self._postfix()
        for _ in range(min(signs, MOST_NESTED)):
            node = Unary("-", node)
        return node

    def _postfix(self) -> Node:
        node = self._primary()
        while True:
            if not self.peek("..") and self.take("."):
                node = Path(node, self._member())
            elif not isinstance(node, Literal | Range) and self.take("["):
                by = self.expression()
                self.expect("]")
                node = Filter(node, by)
            elif isinstance(node, Path | Call | Apply | Filter | FunctionOf) and self.take("("):
                node = Apply(node, *self._arguments())
            else:
                return node

    def _primary(self) -> Node:
        self.skip()
        if self.at >= len(self.text):
            raise self.error("表达式")
        if found := _NUMBER.match(self.text, self.at):
            # In ``1..5`` the dots belong to the range.
            number = found.group()
            if number.endswith(".") and self.text.startswith("..", found.end() - 1):
                number = number[:-1]
            try:
                read = NUMBERS.create_decimal(number)
            except DecimalException as error:
                raise self.error("较小的数") from error
            self.at += len(number)
            return Literal(read)
        if found := _STRING.match(self.text, self.at):
            self.at = found.end()
            return Literal(_unescaped(found.group()[1:-1]))
        if self.take("@"):
            return self._at_literal()
        if self.peek("(") or self.peek("[") or self.peek("]"):
            return self._bracketed()
        if self.take("{"):
            return self._context()
        for word, value in (("true", True), ("false", False), ("null", None)):
            if self.take(word):
                return Literal(value)
        return self.expression() if any(map(self.peek, _OPENINGS)) else self._named()

    def _at_literal(self) -> Node:
        self.skip()
        found = _STRING.match(self.text, self.at)
        value = temporal.from_text(_unescaped(found.group()[1:-1])) if found else None
        if found is None or value is None:
            raise self.error('日期、时间或时长，如 @"2026-01-01"')
        self.at = found.end()
        return Literal(value)

    def _bracketed(self) -> Node:
        opening = self.take("(", "[", "]")
        if opening == "[" and self.take("]"):
            return ListOf(())
        if opening == "(" and (sign := self.take(*_COMPARISONS)):
            return self._half_open(sign)
        first = self.expression()
        if self.take(".."):
            high = self.expression()
            closing = self.take(")", "]", "[")
            if closing is None:
                raise self.error("“)”、“]”或“[”")
            return Range(first, high, opening == "[", closing == "]")
        if opening == "(":
            self.expect(")")
            return first
        items = [first]
        while self.take(","):
            items.append(self.expression())
        self.expect("]")
        return ListOf(tuple(items))

    def _half_open(self, sign: str) -> Node:
        """Read what stands behind the sign of a range with one bound, or none (``(>= 5)``, ``(= 5)``)."""
        bound = self._sum()
        self.expect(")")
        match sign:
            case "<" | "<=":
                return Range(None, bound, False, sign == "<=")
            case ">" | ">=":
                return Range(bound, None, sign == ">=", False)
            case "=":
                return Range(bound, bound, True, True)
        raise self.error("“<”、“<=”、“>”、“>=”或“=”")

    def _context(self) -> Node:
        entries: list[tuple[str, Node]] = []
        while not self.take("}"):
            self.skip()
            if found := _STRING.match(self.text, self.at):
                self.at = found.end()
                key = _unescaped(found.group()[1:-1])
            else:
                end = self.text.find(":", self.at)
                if end < 0:
                    raise self.error("“:”")
                key = self.text[self.at : end].strip()
                self.at = end
            self.expect(":")
            entries.append((key, self.expression()))
            self.learn(key)
            if not self.take(",") and not self.peek("}"):
                raise self.error("“,”或“}”")
        return ContextOf(tuple(entries))

    def _named(self) -> Node:
        name = self._word()
        if not self.take("("):
            return Name(name)
        return Call(name, *self._arguments())

    def _arguments(self) -> tuple[tuple[Node, ...], tuple[str, ...]]:
        """Read what stands between the brackets of a call: all by place, or all by name."""
        arguments: list[Node] = []
        names: list[str] = []
        while not self.take(")"):
            self.skip()
            if found := _ARGUMENT_NAME.match(self.text, self.at):
                self.at = found.end()
                names.append(" ".join(found[1].split()))
            arguments.append(self.expression())
            if not self.take(",") and not self.peek(")"):
                raise self.error("“,”或“)”")
        if names and len(names) != len(arguments):
            raise self.error("每个参数的名称")
        return tuple(arguments), tuple(names)

    def _word(self) -> str:
        self.skip()
        for name in self.long_names:
            if self.peek(name):
                self.at += len(name)
                return name
        found = _WORD.match(self.text, self.at)
        if not found or found.group() in _KEYWORDS:
            raise self.error("名称")
        self.at = found.end()
        return found.group()

    def _member(self) -> str:
        return self._word()


def _is_condition(test: Node) -> bool:
    """Tell whether a unary test says itself whether it holds: it names the input, or is a comparison."""
    if isinstance(test, Between | In | Quantified):
        return True
    if isinstance(test, Binary) and test.operator in ("and", "or", *_COMPARISONS):
        return True
    return any(part == Name("?") for part in parts(test)) and test != Name("?")


def _unescaped(text: str) -> str:
    def one(found: re.Match[str]) -> str:
        code = found.group(1)
        if code[0] not in "uU" or len(code) == 1:
            return _ESCAPES.get(code, found.group())
        number = int(code[1:], 16)
        return chr(number) if number <= sys.maxunicode else found.group()

    # Two halves of a character beyond the first 65,536 are one.
    return _ESCAPE.sub(one, text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def parse_expression(text: str, names: Iterable[str] = ()) -> Node:
    """Return the syntax of one expression; FeelSyntaxError says where it is none."""
    parser = Parser(text, names)
    node = parser.expression()
    if parser.take(".."):
        # What a boxed loop goes through may be written so.
        node = Range(node, parser.expression(), True, True)
    parser.finish()
    return node


def parse_unary_tests(text: str, names: Iterable[str] = ()) -> UnaryTests:
    """Return the syntax of a decision table's input cell."""
    return Parser(text, names).unary_tests()
