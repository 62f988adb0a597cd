"""The password of a page that other computers can reach (no streamlit).

A page that only this computer reaches has none. Any other has the one in SPANWISE_UI_PASSWORD, or a new one
for this run. It keeps strangers of the same network out; for encryption, put a proxy with TLS in front.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
import threading
import time

_NEW_BYTES = 12
_SECONDS_A_TRY = 0.5
_turn = threading.Lock()


def is_loopback(address: str) -> bool:
    """Whether only programs of this computer reach that address."""
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def password_for(address: str, given: str | None) -> str | None:
    """The password that a page on that address asks for: the given one, a new one, or none on loopback."""
    if given:
        return given
    return None if is_loopback(address) else secrets.token_urlsafe(_NEW_BYTES)


def opens(typed: str, password: str) -> bool:
    """Whether it is the password; compared in constant time, two tries a second for everybody together."""
    with _turn:
        time.sleep(_SECONDS_A_TRY)
    return hmac.compare_digest(typed.encode(errors="replace"), password.encode(errors="replace"))
