"""Reading FEEL expressions and unary tests.

FEEL's names may hold spaces, so where a name ends depends on which names there are: the parser is given them, and takes
the longest that fits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal

from songhe.engines.policy import temporal
from songhe.engines.policy.errors import FeelSyntaxError
from songhe.engines.policy.functions import FUNCTION_NAMES
from songhe.engines.policy.syntax import (
    Between,
    Binary,
    Call,
    Compare,
    ContextOf,
    Filter,
    For,
    Holds,
    If,
    In,
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
    | {"null", "instance", "of"}
)
_COMPARISONS = ("<=", ">=", "!=", "<", ">", "=")
# Members of times and ranges that are more than one word.
_MEMBERS = ("time offset", "start included", "end included")


class Parser:
    """Reads one text; ``names`` are the values it may speak of."""

    def __init__(self, text: str, names: Iterable[str] = ()) -> None:
        self.text = text
        self.at = 0
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
        if self.peek("if"):
            return self._if()
        if self.peek("for"):
            return self._for()
        if self.peek("some") or self.peek("every"):
            return self._quantified()
        return self._or()

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
            name = self._word()
            self.expect("in")
            values = self._sum()
            if self.take(".."):
                values = Range(values, self._sum(), True, True)
            variables.append((name, values))
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
        left = self._and()
        while self.take("or"):
            left = Binary("or", left, self._and())
        return left

    def _and(self) -> Node:
        left = self._comparison()
        while self.take("and"):
            left = Binary("and", left, self._comparison())
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
        left = self._product()
        while operator := self.take("+", "-"):
            left = Binary(operator, left, self._product())
        return left

    def _product(self) -> Node:
        left = self._power()
        while not self.peek("**") and (operator := self.take("*", "/")):
            left = Binary(operator, left, self._power())
        return left

    def _power(self) -> Node:
        left = self._signed()
        while self.take("**"):
            left = Binary("**", left, self._signed())
        return left

    def _signed(self) -> Node:
        if self.take("-"):
            return Unary("-", self._signed())
        return self._postfix()

    def _postfix(self) -> Node:
        node = self._primary()
        while True:
            if not self.peek("..") and self.take("."):
                node = Path(node, self._member())
            elif isinstance(node, Name | Path | Call | ListOf | Filter) and self.take("["):
                by = self.expression()
                self.expect("]")
                node = Filter(node, by)
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
            self.at += len(number)
            return Literal(Decimal(number))
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
        return self._named()

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
        arguments: list[Node] = []
        names: list[str] = []
        while not self.take(")"):
            start = self.at
            self.skip()
            colon = re.match(r"[^\W\d][\w ]*?(?=\s*:)", self.text[self.at :])
            if colon:
                self.at += colon.end()
                self.expect(":")
                names.append(colon.group().strip())
            else:
                self.at = start
            arguments.append(self.expression())
            if not self.take(",") and not self.peek(")"):
                raise self.error("“,”或“)”")
        return Call(name, tuple(arguments), tuple(names))

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
        return chr(int(code[1:], 16)) if code[0] in "uU" and len(code) > 1 else _ESCAPES.get(code, code)

    return _ESCAPE.sub(one, text)


def parse_expression(text: str, names: Iterable[str] = ()) -> Node:
    """Return the syntax of one expression; FeelSyntaxError says where it is none."""
    parser = Parser(text, names)
    node = parser.expression()
    parser.finish()
    return node


def parse_unary_tests(text: str, names: Iterable[str] = ()) -> UnaryTests:
    """Return the syntax of a decision table's input cell."""
    return Parser(text, names).unary_tests()
