"""What can be wrong with a policy model, said so that whoever edits it finds the place."""


class PolicyError(Exception):
    """A model that cannot be read or evaluated; the message is Chinese and names decision, rule and column."""


class FeelSyntaxError(PolicyError):
    """An expression that is not FEEL; ``position`` counts characters from 0."""

    def __init__(self, text: str, position: int, expected: str) -> None:
        super().__init__(f"表达式“{text}”第 {position + 1} 个字符处应为{expected}。")
        self.text = text
        self.position = position
        self.expected = expected
