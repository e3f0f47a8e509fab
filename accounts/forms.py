"""Forms of the pages around one's own login."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms

from accounts.models import ApiKey
from tradeproject.common.clock import utc_now

LIVES = [("30", "30 days"), ("90", "90 days"), ("365", "one year"), ("", "until revoked")]


class ApiKeyForm(forms.Form):
    name = forms.CharField(label="Name", max_length=80, help_text="What will use it, for example “laptop”.")
    scopes = forms.MultipleChoiceField(
        label="May do",
        choices=ApiKey.Scope.choices,
        widget=forms.CheckboxSelectMultiple,
        initial=[ApiKey.Scope.READ],
    )
    days = forms.ChoiceField(label="Works for", choices=LIVES, required=False, initial="90")

    def wanted(self) -> dict[str, Any]:
        """What ``services.create_api_key`` takes."""
        days = self.cleaned_data["days"]
        return {
            "name": self.cleaned_data["name"],
            "scopes": self.cleaned_data["scopes"],
            "expires_at": utc_now() + timedelta(days=int(days)) if days else None,
        }
