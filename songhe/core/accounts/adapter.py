"""How sign-in behaves: accounts are given out by the bureau, never opened by strangers."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Sign-up is closed."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Refuse sign-up: accounts are made by the security administrator."""
        return False

    def set_password(self, user: Any, password: str) -> None:
        """Keep a password its holder has chosen; the anteroom may change these columns and no others."""
        user.set_password(password)
        user.must_change_password = False
        user.save(update_fields=["password", "must_change_password"])


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Second factors are kept sealed, as identity numbers are."""

    def encrypt(self, text: str) -> str:
        """Seal a second factor's secret before it is stored."""
        from songhe.core.crypto.sealing import seal

        return seal(text, context="mfa").hex()

    def decrypt(self, encrypted_text: str) -> str:
        """Open a second factor's secret."""
        from songhe.core.crypto.sealing import unseal

        return unseal(bytes.fromhex(encrypted_text), context="mfa")

    def get_totp_label(self, user: Any) -> str:
        """Name the account in the person's authenticator."""
        return str(user.username)
