"""Where this installation keeps what it makes: database, keys, uploads, built front-end files."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
VAR = Path(os.environ.get("SONGHE_VAR", ROOT / "var"))
PGDATA = VAR / "pg"
KEYRING = Path(os.environ.get("SONGHE_KEYRING", VAR / "keyring.json"))
FILES = VAR / "files"
VENDOR = ROOT / "songhe" / "static" / "vendor"
NODE_MODULES = ROOT / "node_modules"
