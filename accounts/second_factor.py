"""One-time codes that really work once."""

from __future__ import annotations

from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth
from django.db import transaction

LAST_STEP = "last_step"


class SingleUseTOTP(auth.TOTP):
    """Remembers the last accepted time step in the authenticator's row (RFC 6238 §5.2).

    The library remembers used codes in the cache for one period. That forgets with Redis, and is shorter than a code
    lives once a step of clock drift is allowed.
    """

    def _mark_code_used(self, code: str) -> bool:
        secret = auth.decrypt(self.instance.data["secret"])
        step = _step_of(secret, code)
        with transaction.atomic():
            row = Authenticator.objects.select_for_update().get(pk=self.instance.pk)
            if step is None or step <= row.data.get(LAST_STEP, -1):
                return False
            row.data[LAST_STEP] = step
            row.save(update_fields=["data"])
        self.instance.data = row.data
        return True


def _step_of(secret: str, code: str) -> int | None:
    for step in auth.yield_hotp_counters_from_time():
        if compare_user_code(actual=code, expected=auth.format_hotp_value(auth.hotp_value(secret, step))):
            return step
    return None


def install() -> None:
    """Have the library use it everywhere: pages, headless endpoints and our login ask ``Authenticator.wrap()``."""
    auth.TOTP = SingleUseTOTP
