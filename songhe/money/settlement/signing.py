"""The seal on a settled line: a keyed digest of its facts, by a key the database does not hold."""

import hmac as compare

from cryptography.hazmat.primitives import hashes, hmac

from songhe.core.crypto import keyring

_PURPOSE = b"settlement.line\0"

SIGNED = (
    "statement_id",
    "visit_id",
    "order_id",
    "elder_id",
    "area_id",
    "provider_id",
    "service_id",
    "staff_id",
    "served_on",
    "verified_at",
    "minutes",
    "price_fen",
    "contract_price_fen",
    "credit_fen",
    "own_fen",
    "payable_fen",
    "contract_id",
    "contract_price_id",
    "fund_id",
)
"""The facts under the seal, in their order."""

_WRITTEN = {
    "served_on": "to_char({column}, 'YYYY-MM-DD')",
    "verified_at": "(extract(epoch FROM {column}) * 1000000)::bigint",
}


def facts_sql(columns: dict[str, str]) -> str:
    """Return the SQL that writes a line's facts as one text, the same under any setting of the server.

    ``columns`` says where a fact is taken from, if not from the column of its name.
    """
    written = [_WRITTEN.get(name, "{column}").format(column=columns.get(name, name)) for name in SIGNED]
    return f"concat_ws('|', {', '.join(written)})"


class Signer:
    """Seals many lines without reading the key anew for each."""

    def __init__(self) -> None:
        self._keyed = hmac.HMAC(keyring.load().index, hashes.SM3())
        self._keyed.update(_PURPOSE)

    def sign(self, facts: str) -> bytes:
        """Return the HMAC-SM3 of facts as ``facts_sql`` writes them."""
        digest = self._keyed.copy()
        digest.update(facts.encode())
        return digest.finalize()

    def holds(self, facts: str, signature: bytes) -> bool:
        """Tell whether facts still are what was sealed."""
        return compare.compare_digest(self.sign(facts), bytes(signature))
