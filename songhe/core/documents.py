"""Papers as PDF, set by Typst: no system library, one Chinese font from the front-end packages."""

import json
from functools import cache
from pathlib import Path

import typst
from django.conf import settings


@cache
def _fonts() -> typst.Fonts:
    return typst.Fonts(font_paths=[str(Path(settings.VENDOR_DIR) / "fonts-ttf")], include_system_fonts=False)


def pdf(template: Path, data: dict[str, object]) -> bytes:
    """Set a Typst template and return the PDF; ``data`` is read in it as ``json(bytes(sys.inputs.data))``.

    What people typed is only ever data, never part of the template.
    """
    compiled = typst.compile(
        template.read_bytes(), font_paths=_fonts(), sys_inputs={"data": json.dumps(data, ensure_ascii=False)}
    )
    if isinstance(compiled, list):
        raise TypeError("PDF 应为一个文件。")
    return compiled
