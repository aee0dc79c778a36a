"""The installation's own signing key, made once and kept beside the database."""

import os
import secrets

from songhe.config.paths import VAR


def secret_key() -> str:
    """Return the key that signs sessions and forms; SONGHE_SECRET_KEY overrides the file."""
    if key := os.environ.get("SONGHE_SECRET_KEY"):
        return key
    path = VAR / "secret-key"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(secrets.token_urlsafe(50))
        path.chmod(0o600)
    return path.read_text()
