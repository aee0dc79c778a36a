"""Errors meant for people: what was wrong, where, and what to do."""


class Refused(Exception):
    """An action that the rules do not allow now; ``str()`` is the Chinese sentence shown to the person.

    ``field`` names the form field it concerns, if one does.
    """

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class Changed(Refused):
    """The record was changed by somebody else after the person opened it; nothing was saved."""

    def __init__(self, message: str = "这条记录刚被他人修改。您填写的内容没有丢失，请核对最新内容后再保存。") -> None:
        super().__init__(message)


class Busy(Refused):
    """Another transaction holds what this one needs; nothing was changed and trying again is safe."""

    def __init__(self, message: str = "正有其他人在处理同一笔业务，请稍候几秒再试。") -> None:
        super().__init__(message)
